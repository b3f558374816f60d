#include "gradquake/hooks/range.h"

#include <array>
#include <charconv>
#include <cmath>

namespace gradquake {

bool contains(const Range& range, double x) {
  return std::isfinite(x) && (range.min_open ? x > range.min : x >= range.min) &&
         (range.max_open ? x < range.max : x <= range.max);
}

std::string expected_number(const Range& range) {
  if (std::isinf(range.min) && std::isinf(range.max)) return "a finite number";
  if (std::isinf(range.max)) return std::string("a number ") + (range.min_open ? "> " : ">= ") + shortest(range.min);
  if (std::isinf(range.min)) return std::string("a number ") + (range.max_open ? "< " : "<= ") + shortest(range.max);
  return std::string("a number in ") + (range.min_open ? "(" : "[") + shortest(range.min) + ", " + shortest(range.max) +
         (range.max_open ? ")" : "]");
}

std::string expected_integer(std::int64_t min, std::int64_t max) {
  if (max != std::numeric_limits<std::int64_t>::max())
    return "an integer in [" + std::to_string(min) + ", " + std::to_string(max) + "]";
  if (min == std::numeric_limits<std::int64_t>::min()) return "an integer";
  return "an integer >= " + std::to_string(min);
}

std::string shortest(double value) {
  const double size = std::abs(value);
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return {buffer.data(), written.ptr};
}

}  // namespace gradquake
