#include "gradquake/train/regularizer.h"

#include <ATen/ATen.h>

namespace gradquake::train {

at::Tensor regularizer_loss(const RegularizerConfig& config, const std::vector<at::Tensor>& parameters) {
  at::Tensor sum;
  if (!config.active()) return sum;
  for (const at::Tensor& w : parameters) {
    const at::Tensor squared = w.square();
    const at::Tensor term = (config.kind == "l2" ? squared : squared / (1 + squared)).sum();
    sum = sum.defined() ? sum + term : term;
  }
  return config.weight * sum;
}

at::Tensor add_regularizer_gradient(const RegularizerConfig& config, const at::Tensor& gradient,
                                    const at::Tensor& parameter) {
  if (!config.active()) return gradient;
  const at::Tensor w = parameter.detach();
  if (config.kind == "l2") return at::add(gradient, w, 2 * config.weight);
  return at::add(gradient, w / (1 + w.square()).square(), 2 * config.weight);
}

}  // namespace gradquake::train
