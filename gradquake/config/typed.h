// A written value as a number, an integer, text or a boolean: nullopt where it is none, or outside its range.
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

}  // namespace gradquake::config
