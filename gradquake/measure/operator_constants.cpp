#include "gradquake/measure/operator_constants.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <tuple>

#include "gradquake/core/seeds.h"
#include "gradquake/curvature/operator_norm.h"
#include "gradquake/measure/derivative_bounds.h"
#include "gradquake/measure/row_norms.h"

namespace gradquake::measure {
namespace {

constexpr double kOperatorTolerance = 1e-4;

curvature::NormOptions options(std::uint64_t seed) {
  return {.tolerance = kOperatorTolerance, .max_iterations = 100, .seed = seed};
}

}  // namespace

void OperatorMeasurement::note(std::size_t i, const char* name, const std::string& method, std::int64_t iterations,
                               std::optional<double> tolerance, std::optional<double> standard_error) {
  estimates_.push_back({fmt::format("per_operator.{}.{}", i - 1, name), method, iterations, tolerance, standard_error});
}

theory::OperatorConstants OperatorMeasurement::of(std::size_t i) {
  theory::OperatorConstants one;
  const auto f = [&](const at::Tensor& y) { return stages_.apply(i - 1, i, y); };
  const auto jacobian = curvature::operator_norm(f, stages_.input(i - 1), options(seed_));
  one.c = one.ell = jacobian.value;
  note(i, "c", "Lanczos on J'J by VJP and double VJP, largest over the probe set", jacobian.iterations,
       kOperatorTolerance);
  note(i, "ell", "c: the Lipschitz constant is the largest ||J||");
  one.k = parameter_norm(i);
  const bool last = i == stages_.operators();
  one.nu = last ? 1 : row_norms(sample_gradients(i)).max().item<double>();
  note(i, "nu", last ? "exact" : "VJP, largest over the probe set");
  if (i == 1) {
    note(i, "D", "0: the input of operator 1 is the data, which no rule perturbs");
    note(i, "E", "0: as D");
    return one;
  }
  const std::uint64_t seed = named_seed(seed_, "derivatives." + std::to_string(i));
  const DerivativeBounds bounds = derivative_bounds(stages_.at_rows(longest_rows(i)), i, seed);
  one.D = bounds.D;
  one.E = bounds.E;
  const std::string how = fmt::format("at relative radius {}, largest over directions and samples", kRadius);
  note(i, "D", "estimate: finite differences of J and K " + how, bounds.iterations, kOperatorTolerance, bounds.error_D);
  note(i, "E", "estimate: second differences of J and K " + how, bounds.iterations, kOperatorTolerance, bounds.error_E);
  return one;
}

double OperatorMeasurement::parameter_norm(std::size_t i) {
  double largest = 0;
  std::int64_t iterations = 0;
  for (const std::int64_t row : longest_rows(i)) {
    const Stages alone = stages_.at_rows({row});
    const std::vector<at::Tensor> parameters = alone.parameters(i);
    if (parameters.empty()) break;
    const auto norm = curvature::parameter_norm([&] { return alone.apply(i - 1, i, alone.input(i - 1)); }, parameters,
                                                options(seed_));
    largest = std::max(largest, norm.value);
    iterations = std::max<std::int64_t>(iterations, norm.iterations);
  }
  note(i, "k", fmt::format("Lanczos on K'K by VJP and double VJP, {} samples with the longest input", kRows),
       iterations, kOperatorTolerance);
  return largest;
}

// The samples whose input of operator i is longest.
std::vector<std::int64_t> OperatorMeasurement::longest_rows(std::size_t i) const {
  const std::int64_t count = std::min(kRows, stages_.rows());
  const at::Tensor lengths = row_norms(stages_.input(i - 1));
  const at::Tensor rows = std::get<1>(lengths.topk(count)).contiguous();
  return {rows.const_data_ptr<std::int64_t>(), rows.const_data_ptr<std::int64_t>() + count};
}

// v_i, the gradient of each sample's loss in y_i.
at::Tensor OperatorMeasurement::sample_gradients(std::size_t i) const {
  const at::Tensor y = stages_.input(i).clone().requires_grad_();
  return torch::autograd::grad({stages_.apply(i, stages_.operators(), y).sum()}, {y})[0];
}

std::vector<SiteSize> OperatorMeasurement::site_sizes() const {
  const auto rms = [](const at::Tensor& x) { return x.square().mean().sqrt().item<double>(); };
  std::vector<SiteSize> sizes;
  for (std::size_t i = 1; i < stages_.operators(); ++i) {
    const at::Tensor& y = stages_.input(i);
    const std::int64_t elements = y.numel() / y.size(0);  // a sample
    sizes.push_back({stages_.sites()[i - 1], static_cast<double>(elements), rms(y), rms(sample_gradients(i))});
  }
  return sizes;
}

}  // namespace gradquake::measure
