// The interval a number must lie in. The default holds every finite number; NaN and inf lie in none.
//   Range::positive()              0 < x
//   Range{0, 1, false, true}       0 <= x < 1
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake {

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;  // true: min itself is outside
  bool max_open = false;  // true: max itself is outside

  static Range any() { return {}; }
  static Range positive() { return {.min = 0, .min_open = true}; }
  static Range non_negative() { return {.min = 0}; }
  static Range unit() { return {.min = 0, .max = 1}; }
  static Range at_least(double lowest) { return {.min = lowest}; }
  static Range between(double lowest, double highest) { return {.min = lowest, .max = highest}; }
};

GRADQUAKE_EXPORT bool contains(const Range& range, double x);

// "a finite number", "a number > 0", "a number in [0, 1)": for "expected ...".
GRADQUAKE_EXPORT std::string expected_number(const Range& range);
// "an integer", "an integer >= 1", "an integer in [1, 5]".
GRADQUAKE_EXPORT std::string expected_integer(std::int64_t min, std::int64_t max);

// The shortest decimal that reads back as the same float64: 0.1, 100, 1e-09.
GRADQUAKE_EXPORT std::string shortest(double value);

}  // namespace gradquake
