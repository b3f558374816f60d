// Appends lines to a record file, and knows to the byte where it stands, so that a resumed run can cut off what an
// interrupted one wrote after its last checkpoint.
//
//   JsonLines steps(folder / "steps.jsonl", checkpoint_bytes);   // std::nullopt: keep all there is
//   steps.write(step_line(record, spike));                       // buffered
//   steps.sync();                                                // on disk: before a checkpoint that names position()
//
// Every failure of the file system throws DiskError with the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gradquake/hooks/export.h"

namespace gradquake::report {

class GRADQUAKE_EXPORT JsonLines {
 public:
  // Creates the file where there is none. Keeps its first `keep_bytes` bytes (0: starts anew). Throws UserError for a
  // file shorter than that.
  explicit JsonLines(std::filesystem::path path, std::optional<std::uint64_t> keep_bytes = std::nullopt);
  ~JsonLines();  // flushes; an error then is lost, so call flush() or sync() first
  JsonLines(JsonLines&& other) noexcept;
  JsonLines& operator=(JsonLines&&) = delete;

  void write(std::string_view line);  // without its line break
  void flush();                       // hands all lines to the operating system: a killed process loses none of them
  void sync();                        // flush() and fsync: a power cut loses none of them

  std::uint64_t position() const { return written_ + buffer_.size(); }  // bytes, buffered ones included
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t written_ = 0;
  std::string buffer_;
};

}  // namespace gradquake::report
