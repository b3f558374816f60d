// The step-size conditions of Theorems 3-5 (arXiv 2602.20646, section 5) and the linear-stability limit.
//
//   gamma_max <= 1/(3 L)      Theorems 3, 4 and 5 assume it; without it (34), (37) and (38) say nothing
//   gamma_max * L <= 2        gradient descent on a quadratic of curvature L is not unstable (not a statement of the
//   paper)
//
// gamma_max: the largest step size of the schedule; L: the largest smoothness (|eigenvalue| of the Hessian) seen so
// far, in one over the unit of gamma; step_of_L: the step at which that L was measured, negative where L holds for all
// steps (a closed form). The conditions are stated for plain SGD, not for momentum, Adam or clipping: `not_stated`
// replaces the verdict by a note that says so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::theory {

// Two conditions, in this order: "step_size" (value gamma_max, threshold 1/(3 L), margin threshold / value) and
// "linear_stability" (value gamma_max * L, threshold 2). At L = 0 the threshold 1/(3 L) and the margins are null and
// both conditions hold. Throws UserError where gamma_max or L is negative, inf or NaN.
GRADQUAKE_EXPORT std::vector<Condition> step_size_conditions(double gamma_max, double L, std::int64_t step_of_L);

// The same rows with value, threshold and margin kept, `holds` null and the reason in the note, for an optimiser the
// theorems do not speak of; `optimizer` names it, e.g. "adam".
GRADQUAKE_EXPORT std::vector<Condition> not_stated(std::vector<Condition> conditions, const std::string& optimizer);

// Empty where gamma <= 1/(3 L), up to rounding; otherwise "condition does not hold: ...", the reason of a null bound.
GRADQUAKE_EXPORT std::string step_size_violation(double gamma, double L);

}  // namespace gradquake::theory
