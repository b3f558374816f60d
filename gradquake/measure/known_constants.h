// The constants that a run's config and data settle before it starts.
//
// Two models have closed forms (docs/theory.md 4; M samples h_i as the rows of H, weight rho of the regulariser, weight
// decay d of plain SGD):
//   logistic       L = lambda_max(H'H)/(4 M) + 2 rho + d,  mu = 2 rho + d (the data term's curvature falls to 0
//                  far out),  k_1 = max ||h||, c_2 = 1, D_2 = max sigma' = 1/4, E_2 = max |sigma''| = 1/(6 sqrt 3)
//   least squares  one linear operator with C outputs under mse: L = 2 lambda_max(H'H)/(C M) + 2 rho + d,
//                  mu = 2 lambda_min/(C M) + 2 rho + d, without a ridge the smallest eigenvalue above 0
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
  std::vector<theory::OperatorConstants> operators;  // logistic alone
};

// Absent for every other model, objective or regulariser.
GRADQUAKE_EXPORT std::optional<ClosedForm> closed_form(const train::Task& task);

// "momentum" | "adam" | "adamw" | "clipping": what the theorems do not speak of; empty: plain SGD.
GRADQUAKE_EXPORT std::string not_stated_for(const train::OptimizerConfig& optimizer);

// sigma^2 of a batch from the variance of one sample's gradient, the noise that is drawn on top included.
GRADQUAKE_EXPORT double batch_variance(const train::Task& task, double sample_variance);
GRADQUAKE_EXPORT bool full_batch(const train::Task& task);

// What is known at the start; the rest is measured on the way.
GRADQUAKE_EXPORT RunConstants known_constants(const train::Task& task);

}  // namespace gradquake::measure
