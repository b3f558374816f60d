#include "gradquake/curvature/hessian_operator.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <sstream>
#include <string>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/hooks/plan_scope.h"

namespace gradquake::curvature {
namespace {

std::string text(at::IntArrayRef shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

void check(const std::vector<at::Tensor>& parameters) {
  if (parameters.empty()) throw UserError("curvature", "expected at least one parameter, got none");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].defined() || !parameters[i].requires_grad()) {
      throw UserError("curvature", "expected parameters that require a gradient, got one that does not at position " +
                                       std::to_string(i));
    }
    if (!at::isFloatingType(parameters[i].scalar_type())) {
      throw UserError("curvature", "expected real floating-point parameters, got " +
                                       std::string(c10::toString(parameters[i].scalar_type())) + " at position " +
                                       std::to_string(i));
    }
  }
}

}  // namespace

HessianOperator::HessianOperator(const Loss& loss, std::vector<at::Tensor> parameters)
    : parameters_(std::move(parameters)), dtype_(at::kFloat) {
  check(parameters_);
  const PlanPause taps_off;
  const at::AutoGradMode with_graph(true);
  const at::Tensor value = loss();
  if (!value.defined() || value.numel() != 1) {
    throw UserError("curvature", "expected a loss of one number, got shape " +
                                     (value.defined() ? text(value.sizes()) : std::string("of an undefined tensor")));
  }
  loss_ = value.item<double>();
  gradients_.resize(parameters_.size());
  if (value.requires_grad()) {
    gradients_ = torch::autograd::grad({value}, parameters_, {at::ones_like(value)}, /*retain_graph=*/true,
                                       /*create_graph=*/true, /*allow_unused=*/true);
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    dimension_ += parameters_[i].numel();
    if (parameters_[i].scalar_type() == at::kDouble) dtype_ = at::kDouble;
    if (!gradients_[i].defined() || !gradients_[i].requires_grad()) continue;
    outputs_.push_back(gradients_[i]);
    output_index_.push_back(i);
  }
}

std::vector<at::Tensor> HessianOperator::apply(const std::vector<at::Tensor>& v) {
  return unflatten(apply_flat(flatten(v)));
}

at::Tensor HessianOperator::apply_flat(const at::Tensor& v) {
  if (v.dim() != 1 || v.size(0) != dimension_) {
    throw UserError("curvature",
                    "expected a vector of shape [" + std::to_string(dimension_) + "], got " + text(v.sizes()));
  }
  ++products_;
  std::vector<at::Tensor> products(parameters_.size());
  if (!outputs_.empty()) {
    const PlanPause taps_off;
    const std::vector<at::Tensor> all = unflatten(v);
    std::vector<at::Tensor> directions;
    for (const std::size_t i : output_index_) directions.push_back(all[i]);
    products = torch::autograd::grad(outputs_, parameters_, directions, /*retain_graph=*/true, /*create_graph=*/false,
                                     /*allow_unused=*/true);
  }
  const at::NoGradGuard no_grad;
  at::Tensor result = at::zeros({dimension_}, at::TensorOptions().dtype(dtype_));
  std::int64_t first = 0;
  for (std::size_t i = 0; i < parameters_.size(); first += parameters_[i].numel(), ++i)
    if (products[i].defined())
      result.narrow(0, first, parameters_[i].numel()).view(parameters_[i].sizes()).copy_(products[i]);
  return result;
}

std::vector<at::Tensor> HessianOperator::gradient() const {
  std::vector<at::Tensor> result;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    result.push_back(gradients_[i].defined() ? gradients_[i].detach() : at::zeros_like(parameters_[i]).detach());
  return result;
}

at::Tensor HessianOperator::flatten(const std::vector<at::Tensor>& tensors) const {
  if (tensors.size() != parameters_.size()) {
    throw UserError("curvature", "expected " + std::to_string(parameters_.size()) + " tensors, got " +
                                     std::to_string(tensors.size()));
  }
  const at::NoGradGuard no_grad;
  at::Tensor flat = at::empty({dimension_}, at::TensorOptions().dtype(dtype_));
  std::int64_t first = 0;
  for (std::size_t i = 0; i < parameters_.size(); first += parameters_[i].numel(), ++i) {
    if (!tensors[i].defined() || tensors[i].sizes() != parameters_[i].sizes()) {
      throw UserError("curvature", "expected shape " + text(parameters_[i].sizes()) + " at position " +
                                       std::to_string(i) + ", got " +
                                       (tensors[i].defined() ? text(tensors[i].sizes()) : std::string("undefined")));
    }
    flat.narrow(0, first, parameters_[i].numel()).view(parameters_[i].sizes()).copy_(tensors[i]);
  }
  return flat;
}

std::vector<at::Tensor> HessianOperator::unflatten(const at::Tensor& flat) const {
  std::vector<at::Tensor> tensors;
  std::int64_t first = 0;
  for (const at::Tensor& parameter : parameters_) {
    tensors.push_back(flat.narrow(0, first, parameter.numel()).view(parameter.sizes()).to(parameter.options()));
    first += parameter.numel();
  }
  return tensors;
}

}  // namespace gradquake::curvature
