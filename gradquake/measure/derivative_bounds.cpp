#include "gradquake/measure/derivative_bounds.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "gradquake/curvature/jacobian_operator.h"
#include "gradquake/curvature/operator_norm.h"
#include "gradquake/measure/row_norms.h"

namespace gradquake::measure {
namespace {

constexpr int kRandom = 4;
constexpr int kAdversarial = 3;
constexpr int kPowerSteps = 6;
constexpr std::int64_t kParameterRows = 4;

at::Tensor shaped(const at::Tensor& column, const at::Tensor& like) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(like.dim()), 1);
  sizes[0] = like.size(0);
  return column.view(sizes);
}

// Rows of length 1; rows of zeros stay.
at::Tensor unit_rows(const at::Tensor& x) { return x / shaped(row_norms(x).clamp_min(1e-300), x); }

using Map = std::function<at::Tensor(const at::Tensor&)>;

class Operator {
 public:
  Operator(const Stages& stages, std::size_t i) : stages_(stages), i_(i), y_(stages.input(i - 1)) {
    h_ = shaped(row_norms(y_) * kRadius, y_).clamp_min(1e-6);
  }

  const at::Tensor& y() const { return y_; }
  at::Tensor at(const at::Tensor& y) const { return stages_.apply(i_ - 1, i_, y); }

  // z -> f(y + h d + z) - f(y + z), whose Jacobian at 0 is J(y + h d) - J(y).
  Map change(const at::Tensor& d) const {
    return [=, this](const at::Tensor& z) { return at(y_ + h_ * d + z) - at(y_ + z); };
  }
  Map second_change(const at::Tensor& d) const {
    return [=, this](const at::Tensor& z) { return at(y_ + h_ * d + z) - 2 * at(y_ + z) + at(y_ - h_ * d + z); };
  }
  double step(std::size_t row) const { return h_.flatten()[static_cast<std::int64_t>(row)].item<double>(); }

  // The direction in which <q, J(y) p> grows fastest; zero rows where it does not change.
  at::Tensor steepest(const at::Tensor& p, const at::Tensor& q) const {
    const at::Tensor z = at::zeros_like(y_).requires_grad_();
    const at::Tensor projected = (at(y_ + z) * q).sum();
    if (!projected.requires_grad()) return at::zeros_like(y_);
    const at::Tensor slope = torch::autograd::grad({projected}, {z}, {}, std::nullopt, /*create_graph=*/true, true)[0];
    if (!slope.defined() || !slope.requires_grad()) return at::zeros_like(y_);
    const at::Tensor gradient = torch::autograd::grad({(slope * p).sum()}, {z}, {}, std::nullopt, false, true)[0];
    return gradient.defined() ? unit_rows(gradient.detach()) : at::zeros_like(y_);
  }

 private:
  const Stages& stages_;
  std::size_t i_;
  at::Tensor y_;
  at::Tensor h_;
};

// The top singular pair of the change along d, by power iteration; then the direction that increases it.
at::Tensor adversarial(const Operator& f, const at::Tensor& d, at::Tensor p) {
  const at::Tensor z = at::zeros_like(f.y()).requires_grad_();
  const Map change = f.change(d);
  const curvature::JacobianOperator jacobian([&] { return change(z); }, {z});
  at::Tensor q;
  for (int k = 0; k < kPowerSteps; ++k) {
    q = jacobian.jvp({p});
    q = q.dim() == 1 ? at::sign(q) : unit_rows(q);
    p = unit_rows(jacobian.vjp(q)[0]);
  }
  const at::Tensor steepest = f.steepest(p, q);
  return at::where(shaped(row_norms(steepest), steepest) > 0, steepest, d);
}

// The largest over samples of norm / h^power.
double largest(const Operator& f, const Map& map, int power) {
  const auto norm = curvature::operator_norm(map, at::zeros_like(f.y()), {.tolerance = 1e-4, .max_iterations = 60});
  double value = 0;
  for (std::size_t row = 0; row < norm.per_sample.size(); ++row)
    value = std::max(value, norm.per_sample[row] / std::pow(f.step(row), power));
  return value;
}

double standard_error(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() * (values.size() - 1)));
}

// The same for K = df/dw, sample by sample.
void add_parameters(const Stages& stages, std::size_t i, const at::Tensor& directions, DerivativeBounds& bounds) {
  const std::int64_t rows = std::min(stages.rows(), kParameterRows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const Stages one = stages.at_rows({row});
    const std::vector<at::Tensor> parameters = one.parameters(i);
    if (parameters.empty()) return;
    const at::Tensor& y = one.input(i - 1);
    const double h = std::max(kRadius * y.norm().item<double>(), 1e-6);
    const at::Tensor move = directions.narrow(0, row, 1) * h;
    const auto at = [&](double by) { return one.apply(i - 1, i, y + by * move); };
    const curvature::NormOptions options{.tolerance = 1e-4, .max_iterations = 60};
    const auto first = curvature::parameter_norm([&] { return at(1) - at(0); }, parameters, options);
    const auto second = curvature::parameter_norm([&] { return at(1) - 2 * at(0) + at(-1); }, parameters, options);
    bounds.D = std::max(bounds.D, first.value / h);
    bounds.E = std::max(bounds.E, second.value / (h * h));
  }
}

}  // namespace

DerivativeBounds derivative_bounds(const Stages& stages, std::size_t i, std::uint64_t seed) {
  const Operator f(stages, i);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto random = [&] { return unit_rows(at::randn(f.y().sizes(), generator, f.y().options())); };
  DerivativeBounds bounds;
  std::vector<double> first, second;
  at::Tensor d;
  const auto take = [&] {
    first.push_back(largest(f, f.change(d), 1));
    second.push_back(largest(f, f.second_change(d), 2));
    bounds.D = std::max(bounds.D, first.back());
    bounds.E = std::max(bounds.E, second.back());
    ++bounds.iterations;
  };
  for (int k = 0; k < kRandom; ++k) {
    d = random();
    take();
  }
  bounds.error_D = standard_error(first);
  bounds.error_E = standard_error(second);
  for (int k = 0; k < kAdversarial; ++k) {
    d = adversarial(f, d, random());
    take();
  }
  add_parameters(stages, i, d, bounds);
  return bounds;
}

}  // namespace gradquake::measure
