// What is said of repeated seeds: the mean of an estimate made for each seed, with a 95 % interval (Student's t), and
// the estimates themselves.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::paper {

struct Estimate {
  double value = 0;
  double low = 0, high = 0;  // NaN where there is one seed only
  std::size_t seeds = 0;

  bool inside(double least, double most) const { return low >= least && high <= most; }
};

// Values that are not finite are left out.
GRADQUAKE_EXPORT Estimate mean_of(const std::vector<double>& values);

// Least squares slope of ln y on ln x; NaN with fewer than two points or a y that is not positive.
GRADQUAKE_EXPORT double log_slope(const std::vector<double>& x, const std::vector<double>& y);

// n(gamma)^2 = P^2 + A gamma, the plateau P and the noise A: least squares of the relative errors.
struct PlateauFit {
  double plateau = 0;  // P >= 0
  double noise = 0;    // A
};
GRADQUAKE_EXPORT PlateauFit fit_plateau(const std::vector<double>& gammas, const std::vector<double>& levels);

// The x at which ln y, a straight line in ln x between neighbours, first reaches `target` from its start; NaN where it
// never does. x ascending.
GRADQUAKE_EXPORT double first_crossing(const std::vector<double>& x, const std::vector<double>& y, double target);

}  // namespace gradquake::paper
