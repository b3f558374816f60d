// Reads back summary.json: what print_report shows of a finished run. Fields it does not know come back in `more`.
#pragma once

#include <filesystem>

#include "gradquake/hooks/export.h"
#include "gradquake/report/summary.h"

namespace gradquake::report {

// Throws UserError for a file that is no summary. The evaluation's step is not in it: 0.
GRADQUAKE_EXPORT Summary read_summary(const std::filesystem::path& path);

}  // namespace gradquake::report
