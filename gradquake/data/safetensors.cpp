#include "gradquake/data/safetensors.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "gradquake/core/error.h"

namespace gradquake::data {
namespace {

constexpr std::uint64_t kLengthSize = 8, kLargestHeader = 100'000'000;  // that of the format
constexpr std::uint64_t kLargestVolume = std::uint64_t{1} << 56;        // numbers in a tensor

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr TypeName kTypeNames[] = {
    {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"I64", at::kLong},
    {"I32", at::kInt},    {"I16", at::kShort}, {"I8", at::kChar},  {"U8", at::kByte},       {"BOOL", at::kBool}};

const TypeName& name_of(const std::string& tensor, at::ScalarType type) {
  for (const TypeName& one : kTypeNames)
    if (one.type == type) return one;
  throw UserError(
      "data", "expected a dtype that safetensors knows for '" + tensor + "', got " + std::string(at::toString(type)));
}

// One entry of the header, checked on its own.
struct Entry {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

class HeaderReader {
 public:
  HeaderReader(const std::string& path, std::uint64_t data_size) : path_(path), data_size_(data_size) {}

  Entry entry(const std::string& name, const nlohmann::json& value) const {
    Entry entry;
    entry.name = name;
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets") ||
        !value["dtype"].is_string() || !value["shape"].is_array() || !value["data_offsets"].is_array())
      fail("expected dtype, shape and data_offsets for '" + name + "'");
    const std::string type = value["dtype"];
    const auto* known = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                     [&](const TypeName& one) { return type == one.name; });
    if (known == std::end(kTypeNames)) {
      fail("expected a dtype of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL for '" + name + "', got '" +
           type.substr(0, 20) + "'");
    }
    entry.type = known->type;
    std::uint64_t size = c10::elementSize(entry.type), volume = 1;
    for (const auto& extent : value["shape"]) {
      if (!extent.is_number_unsigned()) fail("expected a shape of whole numbers for '" + name + "'");
      const auto length = extent.get<std::uint64_t>();
      if (length > kLargestVolume / volume) fail("the shape of '" + name + "' is out of range");
      volume *= std::max<std::uint64_t>(1, length);  // strides of an empty tensor must not overflow either
      size *= length;
      entry.shape.push_back(static_cast<std::int64_t>(length));
    }
    const auto& offsets = value["data_offsets"];
    if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
      fail("expected two data_offsets for '" + name + "'");
    entry.begin = offsets[0];
    entry.end = offsets[1];
    if (entry.begin > entry.end || entry.end > data_size_) fail("'" + name + "' lies beyond the end of the file");
    if (entry.end - entry.begin != size) {
      fail("expected " + std::to_string(size) + " bytes of '" + name + "', got " +
           std::to_string(entry.end - entry.begin));
    }
    return entry;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw UserError("data", path_ + ": not a whole safetensors file: " + reason);
  }

 private:
  const std::string& path_;
  std::uint64_t data_size_;
};

std::uint64_t length_of(std::string_view bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = kLengthSize; i-- > 0;) length = (length << 8) | static_cast<unsigned char>(bytes[i]);
  return length;
}

}  // namespace

std::string safetensors_bytes(const NamedTensors& tensors) {
  std::vector<std::pair<std::string, at::Tensor>> ordered;
  for (const auto& [name, tensor] : tensors) ordered.emplace_back(name, tensor.detach().cpu().contiguous());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : ordered) {
    const std::uint64_t end = offset + tensor.nbytes();
    header[name] = nlohmann::ordered_json{{"dtype", name_of(name, tensor.scalar_type()).name},
                                          {"shape", tensor.sizes().vec()},
                                          {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kLengthSize - 1) / kLengthSize * kLengthSize, ' ');

  std::string bytes;
  bytes.reserve(kLengthSize + text.size() + offset);
  for (std::size_t i = 0; i < kLengthSize; ++i) bytes.push_back(static_cast<char>((text.size() >> (8 * i)) & 0xFF));
  bytes += text;
  for (const auto& [name, tensor] : ordered)
    if (tensor.nbytes() > 0) bytes.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  return bytes;
}

NamedTensors parse_safetensors(std::string_view bytes, const std::string& path) {
  const HeaderReader unread(path, 0);
  if (bytes.size() < kLengthSize) unread.fail("it has " + std::to_string(bytes.size()) + " bytes");
  const std::uint64_t length = length_of(bytes);
  if (length > kLargestHeader || length > bytes.size() - kLengthSize) {
    unread.fail("expected a header of at most " + std::to_string(std::min(kLargestHeader, bytes.size() - kLengthSize)) +
                " bytes, got one of " + std::to_string(length));
  }
  const nlohmann::json header =
      nlohmann::json::parse(bytes.substr(kLengthSize, length), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) unread.fail("expected a JSON object as its header");

  const std::string_view data = bytes.substr(kLengthSize + length);
  const HeaderReader reader(path, data.size());
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items())
    if (name != "__metadata__") entries.push_back(reader.entry(name, value));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < covered) reader.fail("'" + entry.name + "' overlaps another tensor");
    if (entry.begin > covered) reader.fail("there is a gap before '" + entry.name + "'");
    covered = entry.end;
  }
  if (covered != data.size()) reader.fail(std::to_string(data.size() - covered) + " bytes belong to no tensor");

  NamedTensors tensors;
  for (const Entry& entry : entries) {
    const at::Tensor tensor = at::empty(entry.shape, entry.type);
    if (entry.end > entry.begin)
      std::memcpy(tensor.mutable_data_ptr(), data.data() + entry.begin, entry.end - entry.begin);
    tensors[entry.name] = tensor;
  }
  return tensors;
}

}  // namespace gradquake::data
