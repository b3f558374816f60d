// Budgets: how much perturbation a run can take before the perturbation terms of (34) or (38) outgrow the optimisation
// terms (then the rate is kept within a factor 2), each site and direction alone.
//
//   (34)  6 L gamma e2 + 3 b2                    against  6 Delta_0/(gamma T) + 6 L gamma sigma^2
//   (38)  weights * (L gamma^2 e2 + gamma b2/2)  against  rho^T Delta_0 + 3 L gamma sigma^2/mu
// with e2, b2 from Theorems 1 and 2 in the chosen variant.
#pragma once

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/constants.h"
#include "gradquake/theory/variant.h"

namespace gradquake::theory {

enum class Guarantee { kNonconvex, kPl };  // (34), (38)

// direction "forward" with index j: delta_j; "backward" with index i: eps_i; "both" with index 0: all of them together.
struct Budget {
  std::string direction{};
  int index = 0;
  std::string equation{};  // "(34)" | "(38)"
  Variant variant = Variant::kCorrected;
  std::optional<double> value{};  // null: no budget, see reason
  std::string reason{};           // also set beside a value that another limit caps
};

// The largest rms magnitude sqrt(E||delta||^2) at which a site may fire with probability `frequency` at every step. The
// shape of a distribution (mean_squared/second_moment, fourth_moment/second_moment^2) is that of its moments in
// `constants`; where they are absent or zero, mean 0 and kurtosis 3. frequency in (0, 1].
GRADQUAKE_EXPORT std::vector<Budget> magnitude_budgets(const Constants& constants, Variant variant, Guarantee guarantee,
                                                       double frequency);

// The largest number of steps at which the site may fire with the moments in `constants`, at most T. Under (38) the
// occurrences are placed where they hurt most, at the end of the run.
GRADQUAKE_EXPORT std::vector<Budget> occurrence_budgets(const Constants& constants, Variant variant,
                                                        Guarantee guarantee);

// The largest step size, at most 1/(3 L), up to which the perturbation terms stay below the optimisation terms with the
// moments and frequencies in `constants`: each site alone, then "both".
GRADQUAKE_EXPORT std::vector<Budget> step_size_budgets(const Constants& constants, Variant variant,
                                                       Guarantee guarantee);

}  // namespace gradquake::theory
