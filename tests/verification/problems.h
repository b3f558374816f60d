// Small finite-sum problems with closed-form L, mu and minimum, in the form (53),(54) of the paper: operator 1 gives
// one number a sample, operator 2 the loss, so delta enters after the first and eps at its gradient.
#pragma once

#include <random>
#include <vector>

#include "chain.h"

namespace gradquake::verification {

enum class Loss {
  kLeastSquares,  // f_1 = h^T w - b,  f_2 = f_1^2/2
  kLogistic,      // f_1 = -y h^T w,   f_2 = ln(1 + e^{f_1})
};

struct FiniteSum {
  Loss loss = Loss::kLeastSquares;
  std::vector<Vector> features;  // h_l
  Vector targets;                // b_l or y_l
  double ridge = 0;              // rho in rho ||w||^2
  double L = 0;
  double mu = 0;
  double minimum = 0;  // l*

  double value(const Vector& w) const;
  // Gradient of sample l under delta and eps, without the regulariser; (5) for N = 2.
  Vector sample_gradient(const Vector& w, std::size_t l, double delta, double eps) const;
  // Mean over all samples, regulariser included; delta[l], eps[l] per sample, or one for all where of size 1.
  Vector gradient(const Vector& w, const Vector& delta, const Vector& eps) const;
  Vector gradient(const Vector& w) const { return gradient(w, {0.0}, {0.0}); }
};

// d <= 4 dimensions, M samples; mu > 0.
FiniteSum random_problem(Loss loss, std::mt19937_64& random);

}  // namespace gradquake::verification
