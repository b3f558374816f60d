#include "gradquake/train/checkpoint_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "gradquake/core/replace_file.h"

namespace gradquake::train {
namespace {

namespace fs = std::filesystem;
constexpr char kMagic[] = "GQCKPT01";
constexpr std::size_t kMagicSize = 8;

template <class T>
void put(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

// Reads values off the front of `rest`; nothing where it is too short.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}
  template <class T>
  std::optional<T> number() {
    const auto raw = bytes(sizeof(T));
    if (!raw) return std::nullopt;
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;)
      value = static_cast<T>((value << 8) | static_cast<unsigned char>((*raw)[i]));
    return value;
  }
  std::optional<std::string_view> bytes(std::uint64_t size) {
    if (size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
};

std::uint32_t checksum(std::string_view bytes) {
  uLong crc = crc32_z(0, nullptr, 0);
  crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

fs::path checkpoint_path(const fs::path& folder, std::int64_t step) {
  return folder / fmt::format("step-{:012d}.ckpt", step);
}

void write_checkpoint(const fs::path& path, const CheckpointSections& sections) {
  std::string bytes(kMagic, kMagicSize);
  put(bytes, static_cast<std::uint32_t>(sections.size()));
  for (const auto& [name, content] : sections) {
    put(bytes, static_cast<std::uint32_t>(name.size()));
    bytes += name;
    put(bytes, static_cast<std::uint64_t>(content.size()));
    bytes += content;
  }
  put(bytes, checksum(bytes));
  write_file("train", path, bytes);
}

std::optional<CheckpointSections> read_checkpoint(const fs::path& path, std::string* reason) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream whole;
  whole << file.rdbuf();  // unlike an iterator it turns a read error into a short file, which is refused below
  const std::string bytes = std::move(whole).str();
  const auto refuse = [&](const char* why) {
    *reason = why;
    return std::nullopt;
  };
  if (!file.is_open()) return refuse("it cannot be read");
  if (bytes.size() < kMagicSize + 8 || std::memcmp(bytes.data(), kMagic, kMagicSize) != 0)
    return refuse("it does not begin like a checkpoint");
  const std::string_view body(bytes.data(), bytes.size() - 4);
  if (Cursor(std::string_view(bytes).substr(body.size())).number<std::uint32_t>() != checksum(body))
    return refuse("its checksum does not match");
  Cursor cursor(body.substr(kMagicSize));
  CheckpointSections sections;
  const auto count = cursor.number<std::uint32_t>();
  for (std::uint32_t i = 0; count && i < *count; ++i) {
    const auto name_size = cursor.number<std::uint32_t>();
    const auto name = name_size ? cursor.bytes(*name_size) : std::nullopt;
    const auto size = name ? cursor.number<std::uint64_t>() : std::nullopt;
    const auto content = size ? cursor.bytes(*size) : std::nullopt;
    if (!content) return refuse("a section is cut off");
    sections.emplace(*name, *content);
  }
  return sections;
}

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<fs::path> paths;
  if (!fs::is_directory(folder)) return paths;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".ckpt") paths.push_back(entry.path());
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

void prune_checkpoints(const fs::path& folder, std::int64_t keep) {
  const std::vector<fs::path> paths = list_checkpoints(folder);
  for (std::size_t i = static_cast<std::size_t>(keep); i < paths.size(); ++i) fs::remove(paths[i]);
}

}  // namespace gradquake::train
