// How the monitor's state is written: JSON in which every double comes back bit for bit, inf and nan too (as the
// strings "inf", "-inf", "nan", which JSON has no numbers for). Private to the sources of this folder.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace gradquake::monitor::state {

using Json = nlohmann::json;

Json write(double value);
Json write(const std::optional<double>& value);
Json write(const std::vector<double>& values);

double read_double(const Json& value);
std::optional<double> read_optional(const Json& value);
std::vector<double> read_doubles(const Json& value);

}  // namespace gradquake::monitor::state
