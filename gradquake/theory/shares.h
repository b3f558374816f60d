// Shares of a whole with exact intervals. Torch-free.
#pragma once

#include <cstdint>

#include "gradquake/hooks/export.h"

namespace gradquake::theory {

struct Share {
  double value = 0;
  double low = 0, high = 1;  // 95 %, Clopper and Pearson 1934
};

// `hits` of `all` > 0.
GRADQUAKE_EXPORT Share exact_share(std::int64_t hits, std::int64_t all);

}  // namespace gradquake::theory
