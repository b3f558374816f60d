#include "gradquake/train/gradient_norms.h"

#include <cmath>
#include <numeric>

namespace gradquake::train {
namespace {

double total(const std::vector<double>& squared) {
  return std::sqrt(std::accumulate(squared.begin(), squared.end(), 0.0));
}

}  // namespace

GradientNorms gradient_norms(const StepGradients& gradients, const std::vector<at::Tensor>& parameters,
                             const RegularizerConfig& regularizer, const LayerGroups& groups) {
  const std::size_t count = parameters.size();
  const bool shadow = !gradients.clean.empty();
  std::vector<double> grad(count), clean(shadow ? count : 0), error(shadow ? count : 0);
  for (std::size_t i = 0; i < count; ++i) {
    const at::Tensor& perturbed = gradients.perturbed[i];
    grad[i] = squared_norm(add_regularizer_gradient(regularizer, perturbed, parameters[i]));
    if (!shadow) continue;
    const bool same = gradients.clean[i].is_same(perturbed);
    clean[i] = same ? grad[i] : squared_norm(add_regularizer_gradient(regularizer, gradients.clean[i], parameters[i]));
    error[i] = same ? 0.0 : squared_distance(perturbed, gradients.clean[i]);
  }

  GradientNorms norms;
  norms.grad = total(grad);
  norms.layers.grad = layer_norms(groups, grad);
  if (shadow) {
    norms.clean = total(clean);
    norms.error = total(error);
    norms.layers.clean_grad = layer_norms(groups, clean);
    norms.layers.grad_error = layer_norms(groups, error);
  }
  for (std::size_t i = 0; i < norms.layers.grad.size() && norms.first_nonfinite.empty(); ++i)
    if (!std::isfinite(norms.layers.grad[i])) norms.first_nonfinite = groups.names[i];
  return norms;
}

}  // namespace gradquake::train
