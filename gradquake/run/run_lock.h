// One process at a time trains a run: two would write the same records.
#pragma once

#include "gradquake/hooks/export.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::run {

// Held until the end of the process at the latest, kill -9 included. Throws UserError where another process holds it.
class GRADQUAKE_EXPORT RunLock {
 public:
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_;
};

}  // namespace gradquake::run
