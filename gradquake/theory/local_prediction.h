// The `local` prediction of recovery after a spike: how fast gradient descent on the local quadratic forgets it.
//
// A spike leaves the weights displaced by Delta, the difference between the update made and the clean one (plain SGD:
// -gamma (u~ - u)). Lanczos started at Delta gives the tridiagonal T_m. With its negative eigenvalues set to 0 (they
// predict a growth that the loss does not follow), the excess gradient k steps on is
//   g_k = ||Delta|| * || T_m (I - gamma T_m)^k e_1 ||
// level + g_0, level + g_1, ... go into an EWMA that starts at the level; e_k is its value after the k-th of them. The
// prediction is the first of `hold` consecutive k >= 1 with e_k in the gradient band
//   e <= max(factor * level, level + 4.45 MAD),
// and 0 where e never leaves it: the same count as gradient_recovery_steps of the monitor.
#pragma once

#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/core/tridiagonal.h"
#include "gradquake/hooks/export.h"

namespace gradquake::theory {

// The band of the recovery tracker. Defaults are those of the config's monitor.recovery.
struct GradientBand {
  double level = 0;  // median clean gradient norm before the spike
  double mad = 0;    // median absolute deviation of the same values
  double factor = 1.5;
  double ewma = 0.3;  // weight of the new value, in (0, 1]
  int hold = 10;
};

struct LocalPrediction {
  Prediction steps;         // null, with the reason: not within `limit` steps, or T_m or Delta not finite
  double lambda_max = 0;    // largest Ritz value along Delta
  double excess = 0;        // g_0
  bool overshoots = false;  // gamma lambda_max > 2: the excess grows
};

// g_0, g_1, ..., g_{count-1}. An empty T (Delta = 0) gives zeros. Throws UserError where an argument is not finite.
GRADQUAKE_EXPORT std::vector<double> excess_gradients(const Tridiagonal& T, double displacement_norm, double gamma,
                                                      int count);

// displacement_norm: ||Delta||; gamma: the step size of the steps that follow. Throws UserError on a bad gamma or band
// (negative, NaN, ewma outside (0, 1], hold < 1); a non-finite T or Delta is a result.
GRADQUAKE_EXPORT LocalPrediction local_prediction(const Tridiagonal& T, double displacement_norm, double gamma,
                                                  const GradientBand& band, int limit = 2000);

}  // namespace gradquake::theory
