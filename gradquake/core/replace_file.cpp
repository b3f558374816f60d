#include "gradquake/core/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "gradquake/core/error.h"

namespace gradquake {
namespace {

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool write_synced(const char* path, std::string_view bytes) {
  const int file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return false;
  const bool written = write_all(file, bytes) && ::fsync(file) == 0;
  const int reason = errno;
  const bool closed = ::close(file) == 0;
  if (!written) errno = reason;
  return written && closed;
}

}  // namespace

std::error_code replace_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path aside = path;
  aside += ".tmp";
  if (!write_synced(aside.c_str(), bytes) || std::rename(aside.c_str(), path.c_str()) != 0) {
    const std::error_code reason(errno, std::generic_category());
    ::unlink(aside.c_str());
    return reason;
  }
  sync_folder(path.parent_path());
  return {};
}

void write_file(const std::string& component, const std::filesystem::path& path, std::string_view bytes) {
  if (const std::error_code reason = replace_file(path, bytes)) throw DiskError(component, "write", path, reason);
}

void write_result(const std::string& component, const std::filesystem::path& path, std::string_view bytes) {
  const std::error_code reason = replace_file(path, bytes);
  if (is_full(reason)) throw DiskError(component, "write", path, reason);
  if (reason) throw UserError(component, "expected to write " + path.string() + ", got " + reason.message());
}

void sync_folder(const std::filesystem::path& folder) {
  const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return;
  ::fsync(handle);
  ::close(handle);
}

}  // namespace gradquake
