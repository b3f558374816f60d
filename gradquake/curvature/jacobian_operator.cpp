#include "gradquake/curvature/jacobian_operator.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstddef>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/hooks/plan_scope.h"

namespace gradquake::curvature {

using torch::autograd::grad;

JacobianOperator::JacobianOperator(const std::function<at::Tensor()>& f, std::vector<at::Tensor> inputs)
    : inputs_(std::move(inputs)) {
  if (inputs_.empty()) throw UserError("curvature", "expected at least one input, got none");
  for (const at::Tensor& input : inputs_)
    if (!input.defined() || !input.requires_grad())
      throw UserError("curvature", "expected inputs that require a gradient, got one that does not");
  const PlanPause taps_off;
  const at::AutoGradMode with_graph(true);
  output_ = f();
  transpose_.resize(inputs_.size());
  if (!output_.requires_grad()) return;
  dummy_ = at::ones_like(output_).detach().requires_grad_();
  transpose_ = grad({output_}, inputs_, {dummy_}, /*retain_graph=*/true, /*create_graph=*/true, /*allow_unused=*/true);
}

at::Tensor JacobianOperator::jvp(const std::vector<at::Tensor>& v) const {
  if (v.size() != inputs_.size()) throw UserError("curvature", "expected one direction an input, got another number");
  std::vector<at::Tensor> outputs, directions;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (!transpose_[i].defined() || !transpose_[i].requires_grad()) continue;
    outputs.push_back(transpose_[i]);
    directions.push_back(v[i]);
  }
  if (outputs.empty()) return at::zeros_like(output_);
  const PlanPause taps_off;
  const at::Tensor product = grad(outputs, {dummy_}, directions, /*retain_graph=*/true, /*create_graph=*/false,
                                  /*allow_unused=*/true)[0];
  return product.defined() ? product : at::zeros_like(output_);
}

std::vector<at::Tensor> JacobianOperator::vjp(const at::Tensor& u) const {
  std::vector<at::Tensor> products(inputs_.size());
  if (output_.requires_grad()) {
    const PlanPause taps_off;
    products = grad({output_}, inputs_, {u}, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
  }
  for (std::size_t i = 0; i < products.size(); ++i)
    if (!products[i].defined()) products[i] = at::zeros_like(inputs_[i]).detach();
  return products;
}

}  // namespace gradquake::curvature
