#include "gradquake/theory/uniform_coefficients.h"
#include "gradquake/theory/square.h"

#include <algorithm>
#include <cmath>

namespace gradquake::theory {
namespace {

// S[j] = sum_{k=0}^{j} (3 C^2)^k for j = 0..N-1, and its sum without the leading 1, kept apart: S_j - 1 cancels.
struct GeometricSums {
  std::vector<double> from_zero;
  std::vector<double> from_one;
};

GeometricSums geometric_sums(double C_grad, int operators) {
  GeometricSums sums;
  double power = 1;
  double tail = 0;
  for (int j = 0; j < operators; ++j) {
    sums.from_zero.push_back(1 + tail);
    sums.from_one.push_back(tail);
    power *= 3 * square(C_grad);
    tail += power;
  }
  return sums;
}

// sum_{j=first}^{N-1} values[j] ratio^{j-first}, by Horner's rule.
double tail_sum(const std::vector<double>& values, std::size_t first, double ratio) {
  double sum = 0;
  for (std::size_t j = values.size(); j-- > first;) sum = values[j] + ratio * sum;
  return sum;
}

// Zero times an overflowing sum is zero: a vanishing constant switches its term off.
double product(double constant, double sum) { return constant == 0 ? 0 : constant * sum; }

double lemma1(double C_grad, int operators) { return std::max(1.0, std::pow(C_grad, operators)); }

}  // namespace

SecondMomentCoefficients second_moment_coefficients(const UniformConstants& uniform, int operators, Variant variant) {
  const GeometricSums S = geometric_sums(uniform.C_grad, operators);
  const double C_v = lemma1(uniform.C_grad, operators);
  SecondMomentCoefficients result;
  for (std::size_t i = 1; i < static_cast<std::size_t>(operators); ++i) {
    const double sum = tail_sum(S.from_zero, i, 2 * square(uniform.L_f));
    result.delta.push_back(product(4 * square(C_v) * square(uniform.L_grad), sum));  // (21)
    const double lost_factor = variant == Variant::kPrinted ? 1 : 2;                 // (20) drops the 2 of (19)
    result.eps.push_back(lost_factor * S.from_one[i]);                               // (21)
  }
  return result;
}

BiasCoefficients bias_coefficients(const UniformConstants& uniform, int operators, Variant variant) {
  const GeometricSums S = geometric_sums(uniform.C_grad, operators);
  const double C_v2 = square(lemma1(uniform.C_grad, operators));
  const double ratio = 4 * square(uniform.C_grad);
  const auto N = static_cast<std::size_t>(operators);

  std::vector<double> C_y2(N, 0.0);  // C_{y_i}^2, unnumbered display before (33)
  for (std::size_t i = 1; i < N; ++i) {
    C_y2[i] = product(8 * square(uniform.C_hess) * square(uniform.L_grad) * C_v2, tail_sum(S.from_zero, i + 1, ratio)) +
              product(2 * square(uniform.L_hess) * C_v2, S.from_zero[i]);
  }

  // (33a) is printed with L_hess; (32), from which it is taken, has C_hess.
  const double second_derivative = variant == Variant::kPrinted ? uniform.L_hess : uniform.C_hess;
  BiasCoefficients result;
  for (std::size_t i = 1; i < N; ++i) {
    result.delta_mean.push_back(product(8 * square(second_derivative) * C_v2, tail_sum(S.from_zero, i, ratio)));
    result.delta_fourth.push_back(8 * tail_sum(C_y2, i, 8 * square(square(uniform.L_f))));  // (33b)
    result.eps_mean.push_back(2 * S.from_one[i]);                                           // (33b)
  }
  return result;
}

}  // namespace gradquake::theory
