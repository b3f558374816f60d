// The last `capacity` values with their median and median absolute deviation, for both detectors and for the levels.
//
// A push costs one binary search and one move in a sorted copy; median() is O(1), mad() O(size).
// The median of an even number of values is the midpoint of the two in the middle.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "gradquake/monitor/ring.h"

namespace gradquake::monitor {

class Window {
 public:
  explicit Window(int capacity) : ring_(capacity) {}

  // `value` must not be NaN. The oldest value leaves a full window.
  void push(double value);

  std::size_t size() const { return sorted_.size(); }
  bool empty() const { return sorted_.empty(); }

  // Both need size() > 0. mad() = median of |x - median()|.
  double median() const;
  double mad() const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  Ring ring_;
  std::vector<double> sorted_;  // the ring's values
};

}  // namespace gradquake::monitor
