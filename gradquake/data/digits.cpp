#include "gradquake/data/digits.h"

#include <charconv>

#include "gradquake/core/error.h"
#include "gradquake/data/embedded.h"
#include "gradquake/data/input_file.h"

namespace gradquake::data {
namespace {

constexpr int kPixels = 64;

// Reads one number in 0..largest and the separator behind it; null where that is not what stands there.
const char* read_value(const char* at, const char* end, int largest, char separator, std::uint8_t& value) {
  int number = 0;
  const auto [after, error] = std::from_chars(at, end, number);
  if (error != std::errc{} || number < 0 || number > largest || after == end || *after != separator) return nullptr;
  value = static_cast<std::uint8_t>(number);
  return after + 1;
}

}  // namespace

Digits parse_digits(const std::string& text, const std::string& name) {
  Digits digits;
  const char* const end = text.data() + text.size();
  std::size_t line = 0;
  for (const char* at = text.data(); at != end;) {
    ++line;
    if (*at == '\n') {  // the published test file ends in an empty line
      ++at;
      continue;
    }
    std::uint8_t value = 0;
    for (int pixel = 0; at != nullptr && pixel < kPixels; ++pixel) {
      at = read_value(at, end, 16, ',', value);
      digits.pixels.push_back(value);
    }
    if (at != nullptr) at = read_value(at, end, 9, '\n', value);
    if (at == nullptr)
      throw UserError("data", name + ":" + std::to_string(line) +
                                  ": expected 64 counts from 0 to 16 and a class from 0 to 9, got something else");
    digits.labels.push_back(value);
  }
  return digits;
}

Digits embedded_train_digits() {
  return parse_digits(inflate_text(optdigits_tra, optdigits_tra_size), "optdigits.tra");
}

Digits embedded_test_digits() { return parse_digits(inflate_text(optdigits_tes, optdigits_tes_size), "optdigits.tes"); }

}  // namespace gradquake::data
