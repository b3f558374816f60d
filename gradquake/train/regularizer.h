// Regularisers R(w) of the paper's (53), with weight rho; their gradient r is closed-form and never perturbed (5d). The
// built-in kinds, one file each in kinds/:
//
//   none | l2: rho * sum_j w_j^2, r = 2 rho w | nonconvex: rho * sum_j w_j^2 / (1 + w_j^2), r = 2 rho w / (1 + w^2)^2
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"

namespace gradquake::train {

class GRADQUAKE_EXPORT Regularizer {
 public:
  virtual ~Regularizer();
  // R(w), a scalar; differentiable, for the Hessian.
  virtual at::Tensor loss(const std::vector<at::Tensor>& parameters) const = 0;
  // gradient + r, out of place; `parameter` is detached.
  virtual at::Tensor add_gradient(const at::Tensor& gradient, const at::Tensor& parameter) const = 0;
  // The largest curvature of R in any direction, and whether R is that over 2 times ||w||^2.
  virtual double smoothness() const = 0;
  virtual bool quadratic() const = 0;
};

// Null: there is no R.
using RegularizerFactory = std::function<std::unique_ptr<Regularizer>(const KindSpec&)>;
// Every kind has the parameter `weight`.
GRADQUAKE_EXPORT Registry<RegularizerFactory>& regularizers();

// A kind with what it makes. Throws std::invalid_argument as KindGroup::complete does.
class GRADQUAKE_EXPORT RegularizerConfig {
 public:
  RegularizerConfig();  // none
  explicit RegularizerConfig(const KindSpec& spec);
  RegularizerConfig(const std::string& kind, double weight);

  bool active() const { return made_ != nullptr; }
  const Regularizer& operator*() const { return *made_; }  // where active

 private:
  std::shared_ptr<const Regularizer> made_;
};

// R(w) as a scalar tensor; undefined where the regulariser is inactive.
GRADQUAKE_EXPORT at::Tensor regularizer_loss(const RegularizerConfig& config,
                                             const std::vector<at::Tensor>& parameters);

// decay / 2 * ||w||^2, the loss that an optimiser's weight decay descends (OptimizerMethod::loss_decay).
GRADQUAKE_EXPORT at::Tensor weight_decay_loss(double decay, const std::vector<at::Tensor>& parameters);

// gradient + r, out of place; the gradient itself where the regulariser is inactive.
GRADQUAKE_EXPORT at::Tensor add_regularizer_gradient(const RegularizerConfig& config, const at::Tensor& gradient,
                                                     const at::Tensor& parameter);

}  // namespace gradquake::train
