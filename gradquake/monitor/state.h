// How the monitor's state is written: JSON in which every double comes back bit for bit, inf and nan too (as the
// strings "inf", "-inf", "nan", which JSON has no numbers for). Private to the sources of this folder.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "gradquake/core/records.h"

namespace gradquake::monitor::state {

using Json = nlohmann::json;

Json write(double value);
Json write(const std::optional<double>& value);
Json write(const std::optional<std::int64_t>& value);
Json write(const std::vector<double>& values);
Json write(const SpikeCause& cause);
Json write(const SpikeRecord& spike);

double read_double(const Json& value);
std::optional<double> read_optional(const Json& value);
std::optional<std::int64_t> read_optional_step(const Json& value);
std::vector<double> read_doubles(const Json& value);
SpikeCause read_cause(const Json& value);
SpikeRecord read_spike(const Json& value);

}  // namespace gradquake::monitor::state
