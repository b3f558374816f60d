// How good predictions were, and what it means when a condition held while the run diverged.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::theory {

// One prediction beside what happened; either may be absent. reason: why there is no prediction.
struct Comparison {
  std::optional<double> predicted;
  std::optional<double> observed;
  std::string reason;
};

struct Score {
  int compared = 0;                 // pairs with both
  int covered = 0;                  // observed <= predicted
  int noise_floor = 0;              // no prediction for reason "noise floor": neither covered nor missed
  int other_without = 0;            // no prediction for another reason
  int unobserved = 0;               // predicted, but nothing observed (not recovered, open)
  std::optional<double> coverage;   // covered / compared
  std::optional<double> sharpness;  // median of (predicted + 1)/(observed + 1) for steps, predicted/observed for levels
};

// counts: the values are numbers of steps, where 0 is common: the ratio is taken with 1 added to both. Levels at or
// below 0 take no part in the median.
GRADQUAKE_EXPORT Score score(std::span<const Comparison> comparisons, bool counts);

// A condition that held although the run diverged.
struct Finding {
  std::string condition;
  std::string kind;  // "contradiction": every constant is closed-form, so the code or the theorem is wrong;
                     // "misprediction": a constant is an estimate
  std::string message;
};

// verdict: of the run, "diverged" is what counts. closed_form: every constant behind the conditions is exact.
GRADQUAKE_EXPORT std::vector<Finding> findings(std::span<const Condition> conditions, const std::string& verdict,
                                               bool closed_form);

}  // namespace gradquake::theory
