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

  Iteration(HessianOperator& hessian, at::Tensor start) : hessian_(hessian) {
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
    const bool full = static_cast<std::int64_t>(basis_.size()) == hessian_.dimension();
    if (full || next_beta_ <= rounding() * scale_) {
      next_beta_ = 0;
      state_ = State::kExhausted;
      return;
    }
    basis_.append(w.div_(next_beta_));
  }

  State state() const { return state_; }
  const Tridiagonal& T() const { return T_; }
  double next_beta() const { return next_beta_; }  // beta_m

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

// lambda_max, lambda_min, residual and convergence from T_m and beta_m.
void read_ritz_values(Spectrum& spectrum, double next_beta, double tolerance) {
  const TridiagonalEigen eigen = tridiagonal_eigen(spectrum.T);
  spectrum.lambda_min = eigen.values.front();
  spectrum.lambda_max = eigen.values.back();
  const bool top = std::abs(spectrum.lambda_max) >= std::abs(spectrum.lambda_min);
  spectrum.residual = std::abs(next_beta * (top ? eigen.last.back() : eigen.last.front()));
  spectrum.converged = spectrum.residual <= tolerance * spectrum.smoothness();
}

}  // namespace

double Spectrum::smoothness() const { return std::max(std::abs(lambda_max), std::abs(lambda_min)); }

Spectrum lanczos(HessianOperator& hessian, const LanczosOptions& options) {
  if (options.limit < 1) {
    throw UserError("curvature", "expected limit >= 1, got " + std::to_string(options.limit));
  }
  if (!(options.tolerance > 0)) {
    throw UserError("curvature", "expected tolerance > 0, got " + std::to_string(options.tolerance));
  }
  const at::NoGradGuard no_grad;
  // Drawn in float64 for every dtype: the same start, whatever the precision.
  const at::Tensor start = at::randn({hessian.dimension()}, at::make_generator<at::CPUGeneratorImpl>(options.seed),
                                     at::TensorOptions().dtype(at::kDouble));
  Iteration iteration(hessian, start.to(hessian.dtype()));
  Spectrum spectrum;
  while (iteration.state() == Iteration::State::kGoing && spectrum.products < options.limit && !spectrum.converged) {
    iteration.step();
    ++spectrum.products;
    spectrum.T = iteration.T();
    read_ritz_values(spectrum, iteration.next_beta(), options.tolerance);
  }
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
