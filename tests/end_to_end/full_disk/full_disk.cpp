// Preloaded, it is a disk that is full after GRADQUAKE_DISK_BYTES bytes: regular files take no more, as write(2) says.
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {

std::atomic<long long>& left() {
  static std::atomic<long long> bytes = [] {
    const char* given = std::getenv("GRADQUAKE_DISK_BYTES");
    return given != nullptr ? std::atoll(given) : 0;
  }();
  return bytes;
}

bool is_regular(int file) {
  struct stat about {};
  return ::fstat(file, &about) == 0 && S_ISREG(about.st_mode);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ssize_t write(int file, const void* bytes, size_t size) {
  using Write = ssize_t (*)(int, const void*, size_t);
  static const Write system_write = reinterpret_cast<Write>(::dlsym(RTLD_NEXT, "write"));
  if (!is_regular(file)) return system_write(file, bytes, size);
  const long long room = left();
  if (room <= 0) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t written = system_write(file, bytes, std::min(size, static_cast<size_t>(room)));
  if (written > 0) left() -= written;
  return written;
}
