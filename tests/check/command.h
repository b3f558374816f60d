// Runs a shell command as a user would and keeps what it said.
#pragma once

#include <string>

namespace gradquake {

struct CommandResult {
  int status = 0;      // exit status
  std::string output;  // standard output and standard error, as they came
};

CommandResult run_command(const std::string& command);

}  // namespace gradquake
