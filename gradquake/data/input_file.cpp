#include "gradquake/data/input_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "gradquake/core/error.h"

namespace gradquake::data {
namespace {

constexpr std::uint64_t kChunk = 1u << 20;
constexpr std::uint64_t kLargestText = 1u << 30;
constexpr int kGzipFormat = 15 + 16;

gzFile handle(void* file) { return static_cast<gzFile>(file); }

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)), file_(nullptr) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (!std::filesystem::exists(status)) throw UserError("data", "expected a file at '" + path_ + "', got none");
  if (!std::filesystem::is_regular_file(status))
    throw UserError("data", "expected a regular file at '" + path_ + "', got something else");
  file_ = gzopen(path_.c_str(), "rb");
  if (file_ == nullptr) throw UserError("data", "cannot open '" + path_ + "': " + std::strerror(errno));
  gzbuffer(handle(file_), 1u << 17);
}

InputFile::~InputFile() { gzclose(handle(file_)); }

std::vector<std::uint8_t> InputFile::read(std::uint64_t count) {
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < count) {
    const std::size_t old_size = bytes.size();
    const std::uint64_t wanted = std::min(count - old_size, std::max<std::uint64_t>(kChunk, old_size));
    bytes.resize(old_size + static_cast<std::size_t>(std::min<std::uint64_t>(wanted, 1u << 30)));
    const int got = gzread(handle(file_), bytes.data() + old_size, static_cast<unsigned>(bytes.size() - old_size));
    bytes.resize(old_size + static_cast<std::size_t>(std::max(got, 0)));
    int error = Z_OK;
    const char* text = gzerror(handle(file_), &error);
    if (error == Z_BUF_ERROR)
      throw UserError("data", path_ + ": the compressed data ends early, after byte " +
                                  std::to_string(position_ + bytes.size()) + " of its content");
    if (got < 0 || error != Z_OK)
      throw UserError("data", path_ + ": damaged after byte " + std::to_string(position_ + bytes.size()) +
                                  " of its content: " + (error == Z_ERRNO ? std::strerror(errno) : text));
    if (got == 0) break;
  }
  position_ += bytes.size();
  return bytes;
}

std::string read_text(const std::string& path) {
  InputFile file(path);
  const auto bytes = file.read(kLargestText + 1);
  if (bytes.size() > kLargestText) throw UserError("data", path + ": expected at most 1 GiB of text, got more");
  return {bytes.begin(), bytes.end()};
}

std::string inflate_text(const unsigned char* compressed, std::size_t size) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipFormat) != Z_OK) throw std::runtime_error("zlib cannot start");
  stream.next_in = const_cast<unsigned char*>(compressed);
  stream.avail_in = static_cast<unsigned>(size);
  std::string text;
  std::vector<char> chunk(kChunk);
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<unsigned char*>(chunk.data());
    stream.avail_out = static_cast<unsigned>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("the embedded data is damaged");
  return text;
}

}  // namespace gradquake::data
