// Where the mean update of a run with biased backward perturbations vanishes: grad f(w) + b = 0, b = mean x 1/M sum
// a_l, that is the minimiser of G(w) = f(w) + b^T w. There ||grad f|| = ||b||, whatever the step size. It need not
// exist: with a bounded regulariser G is bounded below only if its recession function
//   rec(u) = 1/M sum_l max(a_l^T u, 0) + b^T u
// is nowhere negative. Both answers come with their proof: a point w where the gradient vanishes, or a direction u with
// rec(u) < 0, along which the iterates run off.
#pragma once

#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/problem.h"

namespace gradquake::paper {

struct StationaryPoint {
  bool exists = false;
  bool decided = false;           // false: neither proof was found
  std::vector<double> w;          // the point, where it exists
  std::vector<double> direction;  // u, ||u|| = 1, where it does not
  double recession = 0;           // rec(u)
};

// Newton's method with Armijo's rule from w = 0, at most 500 steps; `bias` is the perturbation's mean.
GRADQUAKE_EXPORT StationaryPoint find_stationary_point(const Problem& problem, const Regularizer& regularizer,
                                                       double bias);

}  // namespace gradquake::paper
