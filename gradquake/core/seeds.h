// Named seeds: every use of randomness derives its own seed from run.seed and a name, so that adding a use never shifts
// another one. seed = SplitMix64(FNV-1a(name) ^ SplitMix64(run_seed)).
#pragma once

#include <cstdint>
#include <string_view>

#include "gradquake/hooks/export.h"

namespace gradquake {

GRADQUAKE_EXPORT std::uint64_t named_seed(std::uint64_t run_seed, std::string_view name);

}  // namespace gradquake
