// The interval a number of the config must lie in. The default holds every finite number; NaN and inf lie in none.
//   Range::positive()              0 < x
//   Range{0, 1, false, true}       0 <= x < 1
#pragma once

#include <limits>

namespace gradquake::config {

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

}  // namespace gradquake::config
