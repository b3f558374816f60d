#include "gradquake/curvature/operator_norm.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "gradquake/core/error.h"
#include "gradquake/core/tridiagonal.h"
#include "gradquake/curvature/jacobian_operator.h"

namespace gradquake::curvature {
namespace {

// A symmetric product with each row of a [samples, features] float64 matrix.
using RowProduct = std::function<at::Tensor(const at::Tensor&)>;

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor host = values.contiguous();
  return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

at::Tensor row_dot(const at::Tensor& a, const at::Tensor& b) { return (a * b).sum(1, /*keepdim=*/true); }

// Lanczos on every row at once. A row whose Krylov space is exhausted goes on with zero vectors: they add zero Ritz
// values to a matrix that has no negative ones.
class RowIteration {
 public:
  RowIteration(const RowProduct& product, const at::Tensor& start, double rounding)
      : product_(product), rounding_(rounding), T_(static_cast<std::size_t>(start.size(0))) {
    scale_ = at::zeros_like(row_dot(start, start));
    basis_.push_back(start / row_dot(start, start).sqrt());
  }

  void step() {
    at::Tensor w = product_(basis_.back());
    const at::Tensor alpha = row_dot(basis_.back(), w);
    scale_ = scale_.maximum(alpha.abs());
    for (int pass = 0; pass < 2; ++pass)  // twice is enough (Parlett 1980, 6.9)
      for (const at::Tensor& q : basis_) w = w - row_dot(q, w) * q;
    at::Tensor beta = row_dot(w, w).sqrt();
    const at::Tensor exhausted = beta <= rounding_ * scale_;
    beta = at::where(exhausted, at::zeros_like(beta), beta);
    basis_.push_back(at::where(exhausted, at::zeros_like(w), w / beta));
    const std::vector<double> alphas = to_vector(alpha);
    for (std::size_t i = 0; i < T_.size(); ++i) {
      if (!T_[i].alpha.empty()) T_[i].beta.push_back(next_beta_[i]);
      T_[i].alpha.push_back(alphas[i]);
    }
    next_beta_ = to_vector(beta);
  }

  const Tridiagonal& T(std::size_t row) const { return T_[row]; }
  double next_beta(std::size_t row) const { return next_beta_[row]; }

 private:
  const RowProduct& product_;
  double rounding_;
  std::vector<at::Tensor> basis_;
  at::Tensor scale_;
  std::vector<Tridiagonal> T_;
  std::vector<double> next_beta_;
};

OperatorNorm largest_roots(const RowProduct& product, std::int64_t samples, std::int64_t features, bool is_double,
                           const NormOptions& options) {
  if (options.max_iterations < 1 || !(options.tolerance > 0)) {
    throw UserError("curvature", "expected max_iterations >= 1 and tolerance > 0, got " +
                                     std::to_string(options.max_iterations) + " and " +
                                     std::to_string(options.tolerance));
  }
  const at::NoGradGuard no_grad;
  RowIteration rows(product,
                    at::randn({samples, features}, at::make_generator<at::CPUGeneratorImpl>(options.seed),
                              at::TensorOptions().dtype(at::kDouble)),
                    is_double ? 1e-14 : 1e-6);
  OperatorNorm norm;
  norm.per_sample.assign(static_cast<std::size_t>(samples), 0);
  std::vector<std::size_t> pending(norm.per_sample.size());
  for (std::size_t i = 0; i < pending.size(); ++i) pending[i] = i;
  bool finite = true;
  while (!pending.empty() && norm.iterations < options.max_iterations) {
    rows.step();
    ++norm.iterations;
    std::erase_if(pending, [&](std::size_t i) {
      const TridiagonalEigen eigen = tridiagonal_eigen(rows.T(i));
      const double square = eigen.values.back(), residual = std::abs(rows.next_beta(i) * eigen.last.back());
      norm.per_sample[i] = std::sqrt(square < 0 ? 0 : square);
      finite = finite && std::isfinite(square);
      // The residual bounds the distance to some eigenvalue; the tenth keeps it from settling on the second largest.
      return !std::isfinite(square) || residual <= 0.1 * options.tolerance * square;
    });
  }
  norm.converged = pending.empty() && finite;
  norm.value = std::numeric_limits<double>::quiet_NaN();
  if (finite && !norm.per_sample.empty())
    norm.value = *std::max_element(norm.per_sample.begin(), norm.per_sample.end());
  return norm;
}

}  // namespace

OperatorNorm operator_norm(const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& input,
                           const NormOptions& options) {
  if (input.dim() < 1 || input.numel() == 0) throw UserError("curvature", "expected a batch of inputs, got none");
  const at::Tensor x = input.detach().clone().requires_grad_();
  const JacobianOperator jacobian([&] { return f(x); }, {x});
  const std::int64_t samples = x.size(0);
  const at::Tensor output = jacobian.output();
  if (output.dim() < 1 || output.size(0) != samples) {
    throw UserError("curvature", "expected an output with the batch dimension of " + std::to_string(samples) +
                                     " first, got " + (output.dim() < 1 ? "a scalar" : std::to_string(output.size(0))));
  }
  const RowProduct product = [&](const at::Tensor& rows) {
    const at::Tensor v = rows.to(x.options()).reshape(x.sizes());
    return jacobian.vjp(jacobian.jvp({v}))[0].to(at::kDouble).reshape({samples, -1});
  };
  return largest_roots(product, samples, x.numel() / samples, x.scalar_type() == at::kDouble, options);
}

OperatorNorm parameter_norm(const std::function<at::Tensor()>& f, const std::vector<at::Tensor>& parameters,
                            const NormOptions& options) {
  const JacobianOperator jacobian(f, parameters);
  std::int64_t features = 0;
  for (const at::Tensor& parameter : parameters) features += parameter.numel();
  const RowProduct product = [&](const at::Tensor& row) {
    std::vector<at::Tensor> v, rows;
    std::int64_t first = 0;
    for (const at::Tensor& parameter : parameters) {
      v.push_back(row[0].narrow(0, first, parameter.numel()).view(parameter.sizes()).to(parameter.options()));
      first += parameter.numel();
    }
    for (const at::Tensor& part : jacobian.vjp(jacobian.jvp(v))) rows.push_back(part.to(at::kDouble).reshape({1, -1}));
    return at::cat(rows, 1);
  };
  return largest_roots(product, 1, features, parameters.front().scalar_type() == at::kDouble, options);
}

}  // namespace gradquake::curvature
