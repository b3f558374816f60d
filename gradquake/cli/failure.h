// What a failed command says: one line on standard error, and the exit status that goes with it.
#pragma once

#include <string>

namespace gradquake::cli {

// Whether failures tell all they know (a backtrace of LibTorch among it), from --verbose.
void set_verbose(bool verbose);

// Called in a handler: prints the exception that is being handled and returns the status. `after`: said at the line's
// end, e.g. what became of a run's folder.
int report_failure(const std::string& after = "");

}  // namespace gradquake::cli
