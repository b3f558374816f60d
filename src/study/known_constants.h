// The constants that a run's config and data settle before it starts.
//
// Logistic regression has closed forms (THEORY.md 4; M samples h_i as the rows of H, weight rho of the regulariser,
// weight decay d of plain SGD):
//   L = lambda_max(H'H)/(4 M) + 2 rho + d,   mu = 2 rho + d under l2 (the data term's curvature falls to 0 far out),
//   c = D = max sigma' .. :  c_2 = 1, k_1 = max ||h||, D_2 = 1/4, E_2 = 1/(6 sqrt 3)
// The full batch has sigma^2 = 0, plus the drawn gradient noise, std^2 a parameter.
#pragma once

#include <optional>
#include <vector>

#include "gradquake/core/export.h"
#include "gradquake/study/assembly.h"
#include "gradquake/study/run_config.h"
#include "gradquake/study/run_theory.h"
#include "gradquake/theory/constants.h"

namespace gradquake::study {

struct LogisticConstants {
  double smoothness = 0;     // L
  std::optional<double> pl;  // mu; absent without l2 or weight decay
  std::vector<theory::OperatorConstants> operators;
};

// Absent for every other model or objective.
GRADQUAKE_EXPORT std::optional<LogisticConstants> logistic_constants(const RunConfig& config, const Assembly& parts);

// "momentum" | "adam" | "adamw" | "clipping": what the theorems do not speak of; empty: plain SGD.
GRADQUAKE_EXPORT std::string not_stated_for(const train::OptimizerConfig& optimizer);

// sigma^2 of a batch from the variance of one sample's gradient, the noise that is drawn on top included.
GRADQUAKE_EXPORT double batch_variance(const RunConfig& config, const Assembly& parts, double sample_variance);
GRADQUAKE_EXPORT bool full_batch(const RunConfig& config, const Assembly& parts);

// What is known at the start; the rest is measured on the way.
GRADQUAKE_EXPORT RunConstants known_constants(const RunConfig& config, const Assembly& parts);

}  // namespace gradquake::study
