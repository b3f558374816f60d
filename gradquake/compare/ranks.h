// Which of several are worse than which, as far as paired values can tell.
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::compare {

// 1: the worst. Ties are shown as ties: somewhere from `first` to `last`.
struct Rank {
  std::int64_t first = 1;  // 1 + those surely worse
  std::int64_t last = 1;   // all, less those surely better
};

// `values`: of each one a value a batch, the same batches for all; larger is worse. Two differ surely where Student's t
// of their paired differences says so, at 5 % for all pairs together (Holm 1979). At least two batches.
GRADQUAKE_EXPORT std::vector<Rank> ranks_of(const std::vector<std::vector<double>>& values);

}  // namespace gradquake::compare
