// A written value as a number, an integer, text or a boolean: nullopt where it is none, or outside its range; and how
// an error says what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gradquake/config/range.h"
#include "gradquake/config/value.h"

namespace gradquake::config {

std::optional<double> as_number(const Value& value, const Range& range);
std::optional<std::int64_t> as_integer(const Value& value, std::int64_t min, std::int64_t max);
std::optional<std::string> as_text(const Value& value);
std::optional<bool> as_boolean(const Value& value);

// "a number > 0", "a number in [0, 1)", "a finite number"
std::string expected_number(const Range& range);
// "an integer >= 1", "an integer in [0, 9]", "an integer"
std::string expected_integer(std::int64_t min, std::int64_t max);

}  // namespace gradquake::config
