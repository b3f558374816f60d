// The program as a function: what `gradquake` does with its arguments.
//
// Returns the exit status: 0 done (a diverged run too: divergence is a result), 1 internal error or a full disk,
// 2 the caller's mistake, 130 interrupted after writing a checkpoint. Results go to standard output, progress and logs
// to standard error.
#pragma once

#include "gradquake/hooks/export.h"

namespace gradquake::cli {

GRADQUAKE_EXPORT int run(int argc, const char* const* argv);

}  // namespace gradquake::cli
