// Regularisers R(w) of the paper's (53), with weight rho; their gradient r is closed-form and never perturbed (5d).
//
//   none | l2: rho * sum_j w_j^2, r = 2 rho w | nonconvex: rho * sum_j w_j^2 / (1 + w_j^2), r = 2 rho w / (1 + w^2)^2
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::train {

struct RegularizerConfig {
  std::string kind = "none";  // none | l2 | nonconvex
  double weight = 0.0;        // rho >= 0
  bool active() const { return kind != "none" && weight != 0.0; }
};

// R(w) as a scalar tensor; differentiable, for the Hessian. Undefined where the regulariser is inactive.
GRADQUAKE_EXPORT at::Tensor regularizer_loss(const RegularizerConfig& config,
                                             const std::vector<at::Tensor>& parameters);

// gradient + r, out of place; the gradient itself where the regulariser is inactive.
GRADQUAKE_EXPORT at::Tensor add_regularizer_gradient(const RegularizerConfig& config, const at::Tensor& gradient,
                                                     const at::Tensor& parameter);

}  // namespace gradquake::train
