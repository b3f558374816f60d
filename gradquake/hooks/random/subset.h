// Members drawn without replacement, by address. Torch-free.
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/hooks/random/stream.h"

namespace gradquake {

// A subset of {0 .. span-1} of size `count` <= span, all equally likely, sorted; a function of the stream's positions
// first .. first + span - 1.
std::vector<std::int64_t> random_subset(std::int64_t count, std::int64_t span, Stream stream, std::uint64_t first = 0);

}  // namespace gradquake
