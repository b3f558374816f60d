#include "gradquake/run/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "gradquake/core/error.h"

namespace gradquake::run {

// manifest.json is the file that no run replaces. A file system that knows no locks is no reason to refuse.
RunLock::RunLock(const RunFolder& folder) : file_(::open(folder.file("manifest.json").c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file_);
    throw UserError("run", "expected a run that no other process trains, got " + folder.path.string());
  }
}

RunLock::~RunLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace gradquake::run
