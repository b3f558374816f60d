#include "gradquake/report/json_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "gradquake/core/error.h"

namespace gradquake::report {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;

[[noreturn]] void fail(const char* action, const std::filesystem::path& path) {
  throw DiskError("report", action, path, std::error_code(errno, std::generic_category()));
}

}  // namespace

JsonLines::JsonLines(std::filesystem::path path, std::optional<std::uint64_t> keep_bytes) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) fail("open", path_);
  try {
    const auto size = ::lseek(file_, 0, SEEK_END);
    if (size < 0) fail("seek in", path_);
    written_ = keep_bytes.value_or(static_cast<std::uint64_t>(size));
    if (written_ > static_cast<std::uint64_t>(size)) {
      throw UserError("report", "expected at least " + std::to_string(written_) + " bytes in " + path_.string() +
                                    ", got " + std::to_string(size));
    }
    const bool longer = written_ < static_cast<std::uint64_t>(size);
    if (longer && ::ftruncate(file_, static_cast<off_t>(written_)) != 0) fail("truncate", path_);
    if (::lseek(file_, static_cast<off_t>(written_), SEEK_SET) < 0) fail("seek in", path_);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

JsonLines::JsonLines(JsonLines&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      written_(other.written_),
      buffer_(std::exchange(other.buffer_, {})) {}

JsonLines::~JsonLines() {
  if (file_ < 0) return;
  try {
    flush();
  } catch (const DiskError&) {
  }
  ::close(file_);
}

void JsonLines::write(std::string_view line) {
  buffer_ += line;
  buffer_ += '\n';
  if (buffer_.size() >= kBufferBytes) flush();
}

void JsonLines::flush() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    const auto bytes = ::write(file_, left.data(), left.size());
    if (bytes < 0) {
      if (errno == EINTR) continue;
      const int reason = errno;
      buffer_.erase(0, buffer_.size() - left.size());
      errno = reason;
      fail("write to", path_);
    }
    left.remove_prefix(static_cast<std::size_t>(bytes));
    written_ += static_cast<std::uint64_t>(bytes);
  }
  buffer_.clear();
}

void JsonLines::sync() {
  flush();
  if (::fsync(file_) != 0) fail("sync", path_);
}

}  // namespace gradquake::report
