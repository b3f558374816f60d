// The energy budget of a run: the perturbation terms of (34) or (38) against its optimisation terms. While they stay
// below, the bound is at most twice what it would be without perturbations.
#pragma once

#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/theory/convergence.h"

namespace gradquake::theory {

// value: perturbation terms, threshold: optimisation terms, holds: value <= threshold. Where there is no bound: value
// null, holds null where a constant is absent, false where gamma > 1/(3 L), the reason in the note.
GRADQUAKE_EXPORT Condition energy_condition(const Outcome<NonconvexBound>& outcome, Variant variant);
GRADQUAKE_EXPORT Condition energy_condition(const Outcome<PlBound>& outcome, Variant variant);

}  // namespace gradquake::theory
