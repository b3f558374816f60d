// Every condition of the theory that one run can be held against: step size (Theorems 3-5), linear stability, the
// exponents of Corollary 1, the occurrence counts of Corollaries 2-4 and Table 1, and the energy budgets of (34) and
// (38) with the gradient errors as measured. The rows go to summary.json `conditions`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/theory/convergence.h"
#include "gradquake/theory/exponents.h"

namespace gradquake::theory {

struct RunMeasurements {
  std::string not_stated_for;        // "momentum", "adam", "clipping": shown without verdicts; empty: plain SGD
  double gamma_max = 0;              // the schedule's largest step size
  std::int64_t steps = 0;            // T >= 1
  std::optional<double> smoothness;  // L, the largest seen so far
  std::int64_t step_of_L = -1;       // where; negative: holds at every step
  std::optional<double> gradient_variance;
  std::optional<double> initial_gap;
  std::optional<double> pl;
  std::vector<StepError> errors;  // of all steps, e2 and b2 as measured; empty: unknown
  PerturbationSizes sizes;
  bool zero_mean = true;     // every perturbation has conditional mean 0
  std::int64_t Q_delta = 0;  // forward occurrences, sites and steps together
  std::int64_t Q_eps = 0;    // backward occurrences
};

// A row whose constants are absent has value and holds null and says so in its note. Throws UserError on bad values.
GRADQUAKE_EXPORT std::vector<Condition> run_conditions(const RunMeasurements& run);

// A sweep's answer to an exponent: the fitted slope against the threshold, from below (at_least: Table 1, the exponent
// of the tolerated Q) or from above (Corollary 1, the exponent of a magnitude). holds is null where the 95 % interval
// of the fit reaches both sides.
GRADQUAKE_EXPORT Condition sweep_condition(const std::string& name, const std::string& equation, const Exponent& fit,
                                           double threshold, bool at_least);

}  // namespace gradquake::theory
