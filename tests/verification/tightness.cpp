#include "tightness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gradquake::verification {

void Tightness::add(double measured, double bound) {
  if (bound > 0) {
    ratios_.push_back(measured / bound);
  } else {
    ratios_.push_back(measured < 1e-24 ? 0 : INFINITY);
  }
}

double Tightness::largest() const { return quantile(1); }

double Tightness::quantile(double probability) const {
  std::sort(ratios_.begin(), ratios_.end());
  const double position = probability * static_cast<double>(ratios_.size() - 1);
  return ratios_[static_cast<std::size_t>(std::lround(position))];
}

void Tightness::report() const {
  char line[160];
  std::snprintf(line, sizeof line, "n %zu  min %.3g  5%% %.3g  median %.3g  95%% %.3g  max %.4g", count(), quantile(0),
                quantile(0.05), quantile(0.5), quantile(0.95), largest());
  std::printf("  %-28s %s\n", name_.c_str(), line);
  testing::Test::RecordProperty(name_, line);
}

}  // namespace gradquake::verification
