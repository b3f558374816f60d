#include "gradquake/hooks/formats/number_format.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace {

// Eats digits off the front of `text`; empty where there are none.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

FloatFormat float_format(int exponent_bits, int mantissa_bits, bool finite) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  FloatFormat format{mantissa_bits, 1 - bias, finite ? bias + 1 : bias, 0, !finite};
  const int steps_below = finite && exponent_bits + mantissa_bits == 7 ? 2 : 1;  // the code of NaN
  format.largest = std::ldexp(2 - steps_below * std::ldexp(1.0, -mantissa_bits), format.highest_exponent);
  return format;
}

std::optional<FloatFormat> float_format(std::string_view name) {
  if (name == "bf16") return float_format(8, 7, false);
  if (name == "fp16") return float_format(5, 10, false);
  if (!name.starts_with('e')) return std::nullopt;
  name.remove_prefix(1);
  const std::optional<int> exponent_bits = take_number(name);
  if (!exponent_bits || !name.starts_with('m')) return std::nullopt;
  name.remove_prefix(1);
  const std::optional<int> mantissa_bits = take_number(name);
  if (!mantissa_bits || (!name.empty() && name != "fn")) return std::nullopt;
  if (*exponent_bits < 2 || *exponent_bits > 8 || *mantissa_bits < 1 || *mantissa_bits > 22) return std::nullopt;
  if (*exponent_bits == 8 && !name.empty()) return std::nullopt;  // its largest numbers are beyond float32
  return float_format(*exponent_bits, *mantissa_bits, !name.empty());
}

std::optional<IntegerFormat> integer_format(std::string_view name) {
  if (!name.starts_with("int")) return std::nullopt;
  name.remove_prefix(3);
  const std::optional<int> bits = take_number(name);
  if (!bits || !name.empty() || *bits < 2 || *bits > 16) return std::nullopt;
  return IntegerFormat{*bits};
}

std::optional<BlockFormat> block_format(std::string_view name) {
  const auto of = [](const char* element) { return BlockFormat{.element = *float_format(element)}; };
  if (name == "mxfp8") return of("e4m3fn");
  if (name == "mxfp8_e5m2") return of("e5m2");
  if (name == "mxfp6") return of("e2m3fn");
  if (name == "mxfp6_e3m2") return of("e3m2fn");
  if (name == "mxfp4") return of("e2m1fn");
  if (name == "mxint8") return BlockFormat{.integer = true};
  if (name == "nvfp4")
    return BlockFormat{.block = 16, .element = *float_format("e2m1fn"), .scale = float_format("e4m3fn")};
  return std::nullopt;
}

}  // namespace

NumberFormat number_format(const std::string& name) {
  if (const auto format = float_format(name)) return *format;
  if (const auto format = integer_format(name)) return *format;
  if (const auto format = block_format(name)) return *format;
  detail::refuse_key(
      "format",
      "bf16, fp16, e4m3fn, e5m2, e{E}m{M} with 2 <= E <= 8 and 1 <= M <= 22 (and fn behind it where E < 8), "
      "int2 to int16, mxfp8, mxfp8_e5m2, mxfp6, mxfp6_e3m2, mxfp4, mxint8 or nvfp4",
      "'" + name + "'");
}

}  // namespace gradquake
