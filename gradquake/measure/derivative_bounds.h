// D and E of an operator f: how fast its Jacobians J = df/dy and K = df/dw change with y, and how fast that change
// changes, by finite differences of their norms (docs/theory.md 4).
//
//   D >= ||J(y + h d) - J(y)|| / h,   E >= ||J(y + h d) - 2 J(y) + J(y - h d)|| / h^2,   ||d|| = 1,   the same for K
//
// over random directions d and adversarial ones, which follow the gradient of <q, J(y) p> with p, q the top singular
// pair of the change so far. h = kRadius ||y||. Both are lower bounds of the true constants; an operator with kinks
// (ReLU, max pool) has neither, and the numbers say what a perturbation of relative size kRadius meets.
#pragma once

#include <cstdint>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/stages.h"

namespace gradquake::measure {

inline constexpr double kRadius = 1e-2;

struct DerivativeBounds {
  double D = 0;
  double E = 0;
  int iterations = 0;  // directions tried
  double error_D = 0;  // standard error of the mean over random directions, of the largest sample
  double error_E = 0;
};

// Of operator i = 2 .. N at every row of `stages`; float64 models only (second differences cancel).
GRADQUAKE_EXPORT DerivativeBounds derivative_bounds(const Stages& stages, std::size_t i, std::uint64_t seed);

}  // namespace gradquake::measure
