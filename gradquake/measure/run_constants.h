// The constants of a run as far as they are known at a step: what the conditions and the predictions take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/prediction.h"

namespace gradquake::measure {

// The constants of a run as far as they are known, and where they come from.
struct GRADQUAKE_EXPORT RunConstants {
  std::string not_stated_for;        // "momentum" | "adam" | "adamw" | "clipping"; empty: plain SGD
  std::optional<double> smoothness;  // L
  std::int64_t step_of_L = -1;       // negative: closed form, for every step
  std::optional<double> pl;          // mu, at most L
  bool pl_exact = false;
  std::optional<double> gradient_variance;  // sigma^2 of a batch
  bool closed_form = false;                 // all of them are exact, at every step of this very run
  std::optional<double> minimum_loss;       // l*, from below; absent: taken as 0

  // L, mu and sigma^2 with the step size; null, with the reason, where the bounds are not stated or one is absent.
  std::optional<theory::PlProblem> problem(double step_size, std::string* reason) const;
};

}  // namespace gradquake::measure
