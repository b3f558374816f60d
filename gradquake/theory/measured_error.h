// The measured variant: E||u~ - u||^2 and ||E_t[u~ - u]||^2 from R repeats of the perturbation at the same weights and
// batch. With errors z_r = u~_r - u, the squared norm of their mean overstates the bias by the Monte-Carlo variance /
// R; the mean over pairs r != s of <z_r, z_s> does not:
//   second_moment = mean_r <z_r, z_r>,   bias_squared = mean_{r != s} <z_r, z_s>   (unbiased; may come out negative)
#pragma once

#include <span>

#include "gradquake/hooks/export.h"

namespace gradquake::theory {

struct ErrorEstimate {
  double second_moment = 0;
  double second_moment_error = 0;  // standard errors, by the jackknife over repeats: too wide by a quarter at R = 8
  double bias_squared = 0;
  double bias_squared_error = 0;
  int repeats = 0;
};

// gram: R*R inner products <z_r, z_s>, row by row, R >= 2.
GRADQUAKE_EXPORT ErrorEstimate error_estimate(std::span<const double> gram, int repeats);

}  // namespace gradquake::theory
