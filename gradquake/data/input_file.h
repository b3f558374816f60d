// Reading a file that may be gzip-compressed, without believing what it claims of its size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gradquake::data {

// Uncompressed bytes, front to back. Every error is a UserError that names the file and the byte.
class InputFile {
 public:
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // Up to `count` bytes, fewer only at the end; memory grows with what is really there.
  std::vector<std::uint8_t> read(std::uint64_t count);
  std::uint64_t position() const { return position_; }  // uncompressed bytes read so far
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  void* file_;  // zlib's gzFile
  std::uint64_t position_ = 0;
};

// A whole text file of at most 1 GiB (uncompressed).
std::string read_text(const std::string& path);

// A gzip file in memory, whole.
std::string inflate_text(const unsigned char* compressed, std::size_t size);

}  // namespace gradquake::data
