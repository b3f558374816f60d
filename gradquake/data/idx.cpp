#include "gradquake/data/idx.h"

#include <filesystem>

#include "gradquake/core/error.h"
#include "gradquake/data/input_file.h"

namespace gradquake::data {
namespace {

constexpr std::uint32_t kImagesMagic = 0x00000803, kLabelsMagic = 0x00000801;
constexpr std::uint64_t kLargestSide = 4096, kLargestContent = std::uint64_t{1} << 32;

[[noreturn]] void fail(const InputFile& file, const std::string& message) {
  throw UserError("data", file.path() + ": " + message);
}

std::uint32_t read_word(InputFile& file, const std::string& what) {
  const std::uint64_t start = file.position();
  const auto bytes = file.read(4);
  if (bytes.size() < 4)
    fail(file, "expected the " + what + " at byte " + std::to_string(start) + ", got the end of the file at byte " +
                   std::to_string(file.position()));
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) | (std::uint32_t{bytes[2]} << 8) | bytes[3];
}

void read_magic(InputFile& file, std::uint32_t expected, const std::string& what) {
  const std::uint32_t magic = read_word(file, "magic number");
  if (magic != expected)
    fail(file, "expected the magic number " + std::to_string(expected) + " of " + what + " at byte 0, got " +
                   std::to_string(magic));
}

std::uint64_t read_count(InputFile& file) {
  const std::uint64_t count = read_word(file, "count");
  if (count == 0) fail(file, "expected at least one sample at byte 4, got a count of 0");
  return count;
}

std::uint64_t read_side(InputFile& file, const std::string& what) {
  const std::uint64_t start = file.position();
  const std::uint64_t side = read_word(file, what);
  if (side == 0 || side > kLargestSide)
    fail(file, "expected 1 to " + std::to_string(kLargestSide) + " " + what + " at byte " + std::to_string(start) +
                   ", got " + std::to_string(side));
  return side;
}

std::vector<std::uint8_t> read_content(InputFile& file, std::uint64_t size) {
  const std::uint64_t start = file.position();
  if (size > kLargestContent) fail(file, "its header claims " + std::to_string(size) + " bytes, more than 4 GiB");
  auto content = file.read(size);
  if (content.size() < size)
    fail(file, "its header claims " + std::to_string(start + size) + " bytes, but it ends at byte " +
                   std::to_string(file.position()));
  if (!file.read(1).empty())
    fail(file, "expected its end at byte " + std::to_string(start + size) + " as its header says, got more");
  return content;
}

std::string find_file(const std::string& folder, const std::string& name) {
  const auto plain = std::filesystem::path(folder) / name;
  if (std::filesystem::exists(plain)) return plain.string();
  const std::string compressed = plain.string() + ".gz";
  if (std::filesystem::exists(compressed)) return compressed;
  throw UserError("data", "expected " + name + " or " + name + ".gz in '" + folder + "', got neither");
}

}  // namespace

IdxImages read_idx_images(const std::string& path) {
  InputFile file(path);
  read_magic(file, kImagesMagic, "images");
  const std::uint64_t count = read_count(file), rows = read_side(file, "rows"), columns = read_side(file, "columns");
  return {static_cast<std::int64_t>(count), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
          read_content(file, count * rows * columns)};
}

std::vector<std::uint8_t> read_idx_labels(const std::string& path) {
  InputFile file(path);
  read_magic(file, kLabelsMagic, "labels");
  const std::uint64_t count = read_count(file);
  return read_content(file, count);
}

IdxSplit read_idx_split(const std::string& folder, const std::string& prefix) {
  if (!std::filesystem::is_directory(folder))
    throw UserError("data", "expected a folder of idx files at '" + folder + "', got none");
  const std::string labels_path = find_file(folder, prefix + "-labels-idx1-ubyte");
  IdxSplit split{read_idx_images(find_file(folder, prefix + "-images-idx3-ubyte")), read_idx_labels(labels_path)};
  if (split.labels.size() != static_cast<std::size_t>(split.images.count))
    throw UserError("data", labels_path + ": expected " + std::to_string(split.images.count) +
                                " labels, one an image, got " + std::to_string(split.labels.size()) + " (byte 4)");
  return split;
}

}  // namespace gradquake::data
