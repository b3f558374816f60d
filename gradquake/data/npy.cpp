#include "gradquake/data/npy.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <regex>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/data/input_file.h"

namespace gradquake::data {
namespace {

constexpr std::uint64_t kLargestArray = std::uint64_t{1} << 34;  // bytes
constexpr std::size_t kLargestNpyHeader = 65536;

[[noreturn]] void refuse_npy(const std::string& path, const std::string& message) {
  throw UserError("data", path + ": " + message);
}

std::string header_of(InputFile& file) {
  const auto start = file.read(8);
  if (start.size() < 8 || std::memcmp(start.data(), "\x93NUMPY", 6) != 0)
    refuse_npy(file.path(), "expected a .npy file, which begins with \\x93NUMPY, got another");
  const std::size_t width = start[6] == 1 ? 2 : 4;
  if (start[6] < 1 || start[6] > 3)
    refuse_npy(file.path(), "expected version 1, 2 or 3 of the .npy format, got " + std::to_string(start[6]));
  std::size_t length = 0;
  const auto bytes = file.read(width);
  for (std::size_t i = bytes.size(); i-- > 0;) length = length * 256 + bytes[i];
  const auto header = file.read(std::min(length, kLargestNpyHeader));
  if (bytes.size() < width || length > kLargestNpyHeader || header.size() < length) {
    refuse_npy(file.path(),
               "expected a header of " + std::to_string(length) + " bytes, got " + std::to_string(header.size()));
  }
  return {header.begin(), header.end()};
}

std::string field(const std::string& path, const std::string& header, const std::string& pattern,
                  const std::string& what) {
  std::smatch found;
  if (!std::regex_search(header, found, std::regex(pattern)))
    refuse_npy(path, "expected " + what + " in its header, got " +
                         header.substr(0, std::min<std::size_t>(80, header.find('\n'))));
  return found[1];
}

at::ScalarType dtype_of(const std::string& path, const std::string& descr) {
  if (descr == "<f4") return at::kFloat;
  if (descr == "<f8") return at::kDouble;
  if (descr == "<i8") return at::kLong;
  if (descr == "|u1") return at::kByte;
  refuse_npy(path, "expected float32, float64, int64 or uint8 numbers, little endian, got '" + descr + "'");
}

std::vector<std::int64_t> shape_of(const std::string& path, const std::string& text) {
  std::vector<std::int64_t> shape;
  std::uint64_t elements = 1;
  const std::regex number("[0-9]+");
  for (std::sregex_iterator one(text.begin(), text.end(), number), end; one != end; ++one) {
    const std::string digits = one->str();
    if (digits.size() > 12) refuse_npy(path, "expected a shape that fits into memory, got (" + text + ")");
    shape.push_back(std::stoll(digits));
    elements *= static_cast<std::uint64_t>(shape.back());
    if (elements > kLargestArray) refuse_npy(path, "expected a shape that fits into memory, got (" + text + ")");
  }
  return shape;
}

}  // namespace

at::Tensor read_npy(const std::string& path) {
  InputFile file(path);
  const std::string header = header_of(file);
  const at::ScalarType type = dtype_of(path, field(path, header, "'descr': *'([^']*)'", "a plain 'descr'"));
  const bool fortran = field(path, header, "'fortran_order': *(True|False)", "'fortran_order'") == "True";
  std::vector<std::int64_t> shape =
      shape_of(path, field(path, header, "'shape': *\\(([0-9, ]*)\\)", "a 'shape' of numbers"));
  const std::uint64_t bytes = static_cast<std::uint64_t>(c10::multiply_integers(shape)) * c10::elementSize(type);
  const auto content = file.read(bytes);
  if (content.size() < bytes || !file.read(1).empty()) {
    refuse_npy(path, "expected " + std::to_string(bytes) + " bytes of numbers, as its header says, got " +
                         (content.size() < bytes ? std::to_string(content.size()) : "more"));
  }
  if (fortran) std::reverse(shape.begin(), shape.end());
  at::Tensor array = at::empty(shape, type);
  if (bytes > 0) std::memcpy(array.mutable_data_ptr(), content.data(), bytes);
  if (!fortran) return array;
  std::vector<std::int64_t> order(shape.size());
  std::iota(order.rbegin(), order.rend(), 0);
  return array.permute(order).contiguous();
}

}  // namespace gradquake::data
