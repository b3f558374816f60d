#include "gradquake/theory/sharp_gains.h"

#include <algorithm>

namespace gradquake::theory {
namespace {

using Operators = std::vector<OperatorConstants>;

// Everything below counts operators from 0: operator i here is operator i+1 of the paper, and column j is delta_{j+1},
// which operators j+1 .. N-1 see. Input of operator i: y[i-1], so its error gain is input_gain(i, j).
Gains zeros(std::size_t rows, std::size_t columns) { return Gains(rows, std::vector<double>(columns, 0.0)); }

// g[k][j] = ell_{j+1} ... ell_{k-1}: gain from delta_j to the input of operator k; 0 where k <= j.
Gains input_gains(const Operators& operators) {
  const std::size_t N = operators.size();
  Gains g = zeros(N, N - 1);
  for (std::size_t j = 0; j + 1 < N; ++j) {
    g[j + 1][j] = 1;
    for (std::size_t k = j + 2; k < N; ++k) g[k][j] = operators[k - 1].ell * g[k - 1][j];
  }
  return g;
}

// curvature[k][j] = S_{k-1,j}: second derivative of the input of operator k in delta_j.
Gains input_curvatures(const Operators& operators, const Gains& g) {
  const std::size_t N = operators.size();
  Gains curvature = zeros(N, N - 1);
  for (std::size_t j = 0; j + 1 < N; ++j) {
    for (std::size_t k = j + 2; k < N; ++k) {
      const OperatorConstants& before = operators[k - 1];
      curvature[k][j] = before.ell * curvature[k - 1][j] + before.D * g[k - 1][j] * g[k - 1][j];
    }
  }
  return curvature;
}

// range(a, b) = c_a ... c_{b-1}; the factors of U_i between two that are differentiated.
class FactorProducts {
 public:
  explicit FactorProducts(const Operators& operators) : operators_(operators) {
    products_ = zeros(operators.size() + 1, operators.size() + 1);
    for (std::size_t a = 0; a <= operators.size(); ++a) {
      products_[a][a] = 1;
      for (std::size_t b = a; b < operators.size(); ++b) products_[a][b + 1] = products_[a][b] * operators[b].c;
    }
  }

  // Product of the norms of the factors first..last-1 of U_i, whose factor i is K_i.
  double of(std::size_t i, std::size_t first, std::size_t last) const {
    return first == i && last > i ? operators_[i].k * products_[i + 1][last] : products_[first][last];
  }

 private:
  const Operators& operators_;
  Gains products_;
};

void add_second_moment(const Operators& operators, const Gains& g, SharpGains& gains) {
  const std::size_t N = operators.size();
  for (std::size_t j = 0; j + 1 < N; ++j) {
    double v_delta = 0;  // gain from delta_j to v~_i - v_i
    double v_eps = 0;    // gain from the perturbation of v_j
    for (std::size_t i = N; i-- > 0;) {
      const OperatorConstants& one = operators[i];
      v_eps += i == j ? 1 : 0;
      const double input = one.D * one.nu * g[i][j];
      gains.delta_rms[i][j] = one.k * v_delta + input;
      gains.eps_rms[i][j] = one.k * v_eps;
      v_delta = one.c * v_delta + input;
      v_eps *= one.c;
    }
  }
}

void add_bias(const Operators& operators, const Gains& g, SharpGains& gains) {
  const std::size_t N = operators.size();
  const Gains curvature = input_curvatures(operators, g);
  const FactorProducts product(operators);
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j + 1 < N; ++j) {
      double A = 0;
      double B = 0;
      for (std::size_t k = std::max(i, j + 1); k < N; ++k) {
        const OperatorConstants& one = operators[k];
        const double before = product.of(i, i, k);
        const double others = before * product.of(i, k + 1, N);
        A += one.D * g[k][j] * others;
        B += (one.E * g[k][j] * g[k][j] + one.D * curvature[k][j]) * others;
        for (std::size_t l = k + 1; l < N; ++l) {
          B += 2 * one.D * operators[l].D * g[k][j] * g[l][j] * before * product.of(i, k + 1, l) *
               product.of(i, l + 1, N);
        }
      }
      gains.delta_mean[i][j] = A;
      gains.delta_curvature[i][j] = B;
    }
  }
}

}  // namespace

SharpGains sharp_gains(const std::vector<OperatorConstants>& per_operator) {
  const std::size_t N = per_operator.size();
  SharpGains gains{zeros(N, N - 1), zeros(N, N - 1), zeros(N, N - 1), zeros(N, N - 1)};
  const Gains g = input_gains(per_operator);
  add_second_moment(per_operator, g, gains);
  add_bias(per_operator, g, gains);
  return gains;
}

}  // namespace gradquake::theory
