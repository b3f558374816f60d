// The constants that a run's config and data settle before it starts.
//
// A network that is linear in its parameters (model::Model::linear_outputs) has closed forms under an objective that
// states its bounds (train::LossBounds: curvature from h_min to h_max in each output). M samples h_i as the rows of H,
// weight rho of the regulariser, weight decay d of plain SGD (docs/theory.md 4):
//   L = h_max lambda_max(H'H)/M + 2 rho + d,  mu = h_min lambda_min(H'H)/M + 2 rho + d, without a ridge the smallest
//   eigenvalue above 0
//   logistic       h from 0 to 1/4;  k_1 = max ||h||, c_2 = 1, D_2 = max sigma' = 1/4, E_2 = max |sigma''| = 1/(6 sqrt
//   3) least squares  one linear operator with C outputs under mse: h = 2/C
// mu is absent under the non-convex regulariser. The full batch has sigma^2 = 0, plus the noise drawn on top.
#pragma once

#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/run_constants.h"
#include "gradquake/theory/constants.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

struct ClosedForm {
  std::string method;                                // names the form
  double smoothness = 0;                             // L
  std::optional<double> pl;                          // mu
  std::vector<theory::OperatorConstants> operators;  // where the slope is bounded: logistic
};

// Absent for every other model or objective.
GRADQUAKE_EXPORT std::optional<ClosedForm> closed_form(const train::Task& task);

// "momentum" | "adam" | "adamw" | "clipping": what the theorems do not speak of; empty: plain SGD.
GRADQUAKE_EXPORT std::string not_stated_for(const train::OptimizerConfig& optimizer);

// sigma^2 of a batch from the variance of one sample's gradient, the noise that is drawn on top included.
GRADQUAKE_EXPORT double batch_variance(const train::Task& task, double sample_variance);
GRADQUAKE_EXPORT bool full_batch(const train::Task& task);

// What is known at the start; the rest is measured on the way.
GRADQUAKE_EXPORT RunConstants known_constants(const train::Task& task);

}  // namespace gradquake::measure
