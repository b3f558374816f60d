#include "gradquake/curvature/lanczos.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/curvature/basis.h"

namespace gradquake::curvature {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The iteration, one product a step. `state` says whether another step can be made.
class Iteration {
 public:
  enum class State { kGoing, kExhausted, kNonFinite };

  Iteration(HessianOperator& hessian, const at::Tensor& start) : hessian_(hessian) {
    const double start_length = length(start);
    if (!std::isfinite(start_length) || start_length == 0) {
      state_ = State::kExhausted;
      return;
    }
    basis_.append(start.div_(start_length));
  }

  void step() {
    const std::size_t j = T_.alpha.size();
    if (j > 0) T_.beta.push_back(next_beta_);
    at::Tensor w = hessian_.apply_flat(basis_[j]);
    const double alpha = inner_product(basis_[j], w);
    T_.alpha.push_back(alpha);
    subtract(w, alpha, basis_[j]);
    if (j > 0) subtract(w, next_beta_, basis_[j - 1]);
    next_beta_ = basis_.project_out(w);
    if (!std::isfinite(alpha) || !std::isfinite(next_beta_)) {
      T_.alpha.back() = next_beta_ = kNaN;
      state_ = State::kNonFinite;
      return;
    }
    scale_ = std::max({scale_, std::abs(alpha), j > 0 ? T_.beta.back() : 0.0});
    if (complete() || next_beta_ <= rounding() * scale_) {
      next_beta_ = 0;
      state_ = State::kExhausted;
      return;
    }
    basis_.append(w.div_(next_beta_));
  }

  State state() const { return state_; }
  const Tridiagonal& T() const { return T_; }
  double next_beta() const { return next_beta_; }  // beta_m
  bool complete() const { return static_cast<std::int64_t>(basis_.size()) == hessian_.dimension(); }

 private:
  // Products carry rounding errors of about this size relative to the norm of H; a smaller beta is noise.
  double rounding() const { return hessian_.dtype() == at::kDouble ? 1e-14 : 1e-6; }

  HessianOperator& hessian_;
  Basis basis_;
  Tridiagonal T_;
  double next_beta_ = 0;
  double scale_ = 0;  // largest entry of T, an estimate of the norm of H from below
  State state_ = State::kGoing;
};

void read_end(SpectrumEnd& end, double value, double residual, double allowed) {
  if (end.converged && std::abs(value - end.value) <= allowed) return;
  end = {.value = value, .residual = residual, .converged = residual <= allowed};
}

// Both ends as one start shows them.
Spectrum search(Iteration& iteration, int limit, double tolerance) {
  Spectrum seen;
  while (iteration.state() == Iteration::State::kGoing && seen.products < limit && !seen.converged()) {
    iteration.step();
    ++seen.products;
    seen.T = iteration.T();
    const TridiagonalEigen eigen = tridiagonal_eigen(seen.T);
    const double low = eigen.values.front(), high = eigen.values.back();
    const double allowed = tolerance * std::max(std::abs(low), std::abs(high));
    read_end(seen.lambda_max, high, std::abs(iteration.next_beta() * eigen.last.back()), allowed);
    read_end(seen.lambda_min, low, std::abs(iteration.next_beta() * eigen.last.front()), allowed);
  }
  return seen;
}

}  // namespace

double Spectrum::smoothness() const { return std::max(std::abs(lambda_max.value), std::abs(lambda_min.value)); }

Spectrum lanczos(HessianOperator& hessian, const LanczosOptions& options) {
  if (options.limit < 1) throw UserError("curvature", "expected limit >= 1, got " + std::to_string(options.limit));
  if (!(options.tolerance > 0))
    throw UserError("curvature", "expected tolerance > 0, got " + std::to_string(options.tolerance));
  const at::NoGradGuard no_grad;
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(options.seed);
  // Drawn in float64 for every dtype: the same start, whatever the precision.
  const auto draw = [&] {
    return at::randn({hessian.dimension()}, generator, at::TensorOptions().dtype(at::kDouble)).to(hessian.dtype());
  };
  Iteration first(hessian, options.start.empty() ? draw() : hessian.flatten(options.start));
  Spectrum spectrum = search(first, options.limit, options.tolerance);
  if (spectrum.products == 0) throw UserError("curvature", "expected a start that is finite and not zero");
  if (!spectrum.converged() || first.complete() || spectrum.products == options.limit) return spectrum;

  Iteration second(hessian, draw());
  const Spectrum other = search(second, options.limit - spectrum.products, options.tolerance);
  const double allowed = options.tolerance * std::max(spectrum.smoothness(), other.smoothness());
  if (other.lambda_max.value - spectrum.lambda_max.value > allowed) spectrum.lambda_max = other.lambda_max;
  if (spectrum.lambda_min.value - other.lambda_min.value > allowed) spectrum.lambda_min = other.lambda_min;
  spectrum.products += other.products;
  return spectrum;
}

Tridiagonal lanczos_from(HessianOperator& hessian, const std::vector<at::Tensor>& displacement, int steps) {
  if (steps < 1) throw UserError("curvature", "expected steps >= 1, got " + std::to_string(steps));
  const at::NoGradGuard no_grad;
  Iteration iteration(hessian, hessian.flatten(displacement));
  for (int i = 0; i < steps && iteration.state() == Iteration::State::kGoing; ++i) iteration.step();
  return iteration.T();
}

double norm(const std::vector<at::Tensor>& tensors) {
  double squared = 0;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.defined()) continue;
    const at::Tensor flat = tensor.detach().to(at::kCPU).contiguous().view({-1});
    const at::Tensor vector = flat.scalar_type() == at::kDouble ? flat : flat.to(at::kFloat);
    squared += inner_product(vector, vector);
  }
  return std::sqrt(squared);
}

}  // namespace gradquake::curvature
