// One process at a time trains a run: two would write the same records.
#pragma once

#include "gradquake/run/run_folder.h"

namespace gradquake::cli {

// Held until the end of the process at the latest, kill -9 included. Throws UserError where another process holds it.
class RunLock {
 public:
  explicit RunLock(const run::RunFolder& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_;
};

}  // namespace gradquake::cli
