#include "problems.h"

#include <algorithm>
#include <cmath>

namespace gradquake::verification {
namespace {

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

// Sum of weight_l h_l h_l^T / M.
Matrix weighted_gram(const std::vector<Vector>& features, const Vector& weights) {
  const std::size_t d = features.front().size();
  Matrix G{d, d, Vector(d * d, 0.0)};
  for (std::size_t l = 0; l < features.size(); ++l) {
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        G.entries[i * d + j] += weights[l] * features[l][i] * features[l][j] / static_cast<double>(features.size());
      }
    }
  }
  return G;
}

// Largest eigenvalue of a positive semi-definite matrix, a little above it: power iteration, then the trace of its
// power.
double largest_eigenvalue(const Matrix& A) {
  Vector x(A.rows, 1.0);
  x[0] = 1.5;
  double value = 0;
  for (int iteration = 0; iteration < 5000; ++iteration) {
    Vector next = multiply(A, x);
    value = norm(next);
    if (value == 0) {
      return 0;
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
      x[i] = next[i] / value;
    }
  }
  return value * (1 + 1e-9);
}

double smallest_eigenvalue(const Matrix& A) {
  const double top = largest_eigenvalue(A);
  Matrix shifted = A;
  for (double& one : shifted.entries) {
    one = -one;
  }
  for (std::size_t i = 0; i < A.rows; ++i) {
    shifted.entries[i * A.columns + i] += top;
  }
  return std::max(0.0, top - largest_eigenvalue(shifted));
}

// Gaussian elimination with pivoting.
Vector solve(Matrix A, Vector b) {
  const std::size_t d = b.size();
  const auto at = [&](std::size_t i, std::size_t j) -> double& { return A.entries[i * d + j]; };
  for (std::size_t k = 0; k < d; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < d; ++i) {
      pivot = std::abs(at(i, k)) > std::abs(at(pivot, k)) ? i : pivot;
    }
    for (std::size_t j = 0; j < d; ++j) {
      std::swap(at(k, j), at(pivot, j));
    }
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < d; ++i) {
      const double factor = at(i, k) / at(k, k);
      for (std::size_t j = k; j < d; ++j) {
        at(i, j) -= factor * at(k, j);
      }
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = d; k-- > 0;) {
    for (std::size_t j = k + 1; j < d; ++j) {
      b[k] -= at(k, j) * b[j];
    }
    b[k] /= at(k, k);
  }
  return b;
}

// Newton's method from 0: exact for least squares after one step.
double minimum_of(const FiniteSum& problem) {
  const std::size_t d = problem.features.front().size();
  Vector w(d, 0.0);
  for (int iteration = 0; iteration < 50; ++iteration) {
    Vector curvature(problem.features.size(), 1.0);
    if (problem.loss == Loss::kLogistic) {
      for (std::size_t l = 0; l < curvature.size(); ++l) {
        const double p = sigmoid(-problem.targets[l] * dot(problem.features[l], w));
        curvature[l] = p * (1 - p);
      }
    }
    Matrix H = weighted_gram(problem.features, curvature);
    for (std::size_t i = 0; i < d; ++i) {
      H.entries[i * d + i] += 2 * problem.ridge;
    }
    const Vector step = solve(H, problem.gradient(w));
    for (std::size_t i = 0; i < d; ++i) {
      w[i] -= step[i];
    }
  }
  return problem.value(w);
}

}  // namespace

double FiniteSum::value(const Vector& w) const {
  double sum = 0;
  for (std::size_t l = 0; l < features.size(); ++l) {
    const double h = dot(features[l], w);
    sum +=
        loss == Loss::kLeastSquares ? (h - targets[l]) * (h - targets[l]) / 2 : std::log1p(std::exp(-targets[l] * h));
  }
  return sum / static_cast<double>(features.size()) + ridge * dot(w, w);
}

Vector FiniteSum::sample_gradient(const Vector& w, std::size_t l, double delta, double eps) const {
  const double h = dot(features[l], w);
  const double v = loss == Loss::kLeastSquares ? h - targets[l] + delta + eps
                                               : -targets[l] * (sigmoid(-targets[l] * h + delta) + eps);
  Vector u = features[l];
  for (double& one : u) {
    one *= v;
  }
  return u;
}

Vector FiniteSum::gradient(const Vector& w, const Vector& delta, const Vector& eps) const {
  Vector sum(w.size(), 0.0);
  for (std::size_t l = 0; l < features.size(); ++l) {
    const Vector u = sample_gradient(w, l, delta.size() == 1 ? delta[0] : delta[l], eps.size() == 1 ? eps[0] : eps[l]);
    for (std::size_t i = 0; i < w.size(); ++i) {
      sum[i] += u[i] / static_cast<double>(features.size());
    }
  }
  for (std::size_t i = 0; i < w.size(); ++i) {
    sum[i] += 2 * ridge * w[i];
  }
  return sum;
}

FiniteSum random_problem(Loss loss, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> unit(0, 1);
  FiniteSum problem;
  problem.loss = loss;
  const auto d = std::uniform_int_distribution<std::size_t>(1, 4)(random);
  const auto M = std::uniform_int_distribution<std::size_t>(2, 12)(random);
  Vector truth(d);
  Vector scales(d);
  for (std::size_t i = 0; i < d; ++i) {
    truth[i] = normal(random);
    scales[i] = std::exp(normal(random));
  }
  for (std::size_t l = 0; l < M; ++l) {
    Vector h(d);
    for (std::size_t i = 0; i < d; ++i) {
      h[i] = scales[i] * normal(random);
    }
    const double activation = dot(h, truth);
    problem.targets.push_back(loss == Loss::kLeastSquares ? activation + normal(random)
                                                          : (unit(random) < sigmoid(activation) ? 1 : -1));
    problem.features.push_back(std::move(h));
  }
  problem.ridge = std::pow(10.0, -2 * unit(random));
  const Matrix G = weighted_gram(problem.features, Vector(M, 1.0));
  // Data curvature: at most 1/4 per unit for the logistic loss, and it falls to 0 far out.
  const bool quadratic = loss == Loss::kLeastSquares;
  problem.L = largest_eigenvalue(G) * (quadratic ? 1 : 0.25) + 2 * problem.ridge;
  problem.mu = (quadratic ? (1 - 1e-9) * smallest_eigenvalue(G) : 0) + 2 * problem.ridge;
  problem.minimum = minimum_of(problem);
  return problem;
}

}  // namespace gradquake::verification
