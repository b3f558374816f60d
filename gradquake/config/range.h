// The interval a number of the config must lie in: hooks/range.h, where the declarations of kinds need it too.
#pragma once

#include "gradquake/hooks/range.h"

namespace gradquake::config {

using gradquake::Range;

}  // namespace gradquake::config
