#include "gradquake/paper/stationary_point.h"

#include <algorithm>
#include <cmath>

namespace gradquake::paper {
namespace {

constexpr int kMostNewtonSteps = 500;
constexpr double kTolerance = 1e-11;

using Vector = std::vector<double>;

double dot(const double* a, const Vector& b) {
  double sum = 0;
  for (std::size_t j = 0; j < b.size(); ++j) sum += a[j] * b[j];
  return sum;
}

// Solves (hessian + shift I) step = -gradient by Cholesky's decomposition; empty where it is not positive definite.
Vector newton_step(const Vector& hessian, const Vector& gradient, double shift) {
  const std::size_t d = gradient.size();
  Vector factor(d * d), step(d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = hessian[i * d + j] + (i == j ? shift : 0);
      for (std::size_t k = 0; k < j; ++k) sum -= factor[i * d + k] * factor[j * d + k];
      if (i == j && !(sum > 0)) return {};
      factor[i * d + j] = i == j ? std::sqrt(sum) : sum / factor[j * d + j];
    }
  }
  for (std::size_t i = 0; i < d; ++i) {
    double sum = -gradient[i];
    for (std::size_t k = 0; k < i; ++k) sum -= factor[i * d + k] * step[k];
    step[i] = sum / factor[i * d + i];
  }
  for (std::size_t i = d; i-- > 0;) {
    for (std::size_t k = i + 1; k < d; ++k) step[i] -= factor[k * d + i] * step[k];
    step[i] /= factor[i * d + i];
  }
  return step;
}

Vector hessian_of(const Problem& problem, const Regularizer& regularizer, const Vector& w) {
  const std::size_t d = problem.features;
  Vector hessian(d * d, 0);
  for (std::size_t l = 0; l < problem.samples; ++l) {
    const double* const a = problem.row(l);
    const double e = std::exp(-std::fabs(dot(a, w)));
    const double weight = e / ((1 + e) * (1 + e)) / static_cast<double>(problem.samples);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j <= i; ++j) hessian[i * d + j] += weight * a[i] * a[j];
  }
  for (std::size_t i = 0; i < d; ++i) hessian[i * d + i] += regularizer.second_derivative(w[i]);
  return hessian;
}

double recession(const Problem& problem, const Vector& b, const Vector& u) {
  double sum = 0;
  for (std::size_t l = 0; l < problem.samples; ++l) sum += std::fmax(dot(problem.row(l), u), 0);
  return sum / static_cast<double>(problem.samples) + dot(b.data(), u);
}

// w / ||w||.
Vector direction_of(const Vector& w) {
  const double size = norm(w);
  Vector u;
  u.reserve(w.size());
  for (const double value : w) u.push_back(value / size);
  return u;
}

// Newton's step, the Hessian shifted until it is positive definite; `shift` remembers by how much.
Vector safe_step(const Vector& hessian, const Vector& g, double* shift) {
  Vector step = newton_step(hessian, g, *shift);
  while (step.empty()) {
    *shift = std::max(1e-8, 10 * *shift);
    step = newton_step(hessian, g, *shift);
  }
  *shift = *shift < 1e-11 ? 0 : *shift / 10;
  return step;
}

}  // namespace

StationaryPoint find_stationary_point(const Problem& problem, const Regularizer& regularizer, double bias) {
  const std::size_t d = problem.features;
  Vector b(d), w(d), next(d);
  for (std::size_t j = 0; j < d; ++j) b[j] = bias * problem.mean_row[j];
  const auto objective = [&](const Vector& at) { return loss(problem, regularizer, at) + dot(b.data(), at); };

  StationaryPoint point;
  double shift = 0;
  for (int i = 0; i < kMostNewtonSteps; ++i) {
    Vector g = gradient(problem, regularizer, w);
    for (std::size_t j = 0; j < d; ++j) g[j] += b[j];
    if (norm(g) < kTolerance) {
      point.decided = point.exists = true;
      point.w = std::move(w);
      return point;
    }
    if (norm(w) > 1 && regularizer.kind == RegularizerKind::kNonconvex) {
      Vector u = direction_of(w);
      point.recession = recession(problem, b, u);
      if (point.recession < -kTolerance) {
        point.decided = true;
        point.direction = std::move(u);
        return point;
      }
    }
    const Vector step = safe_step(hessian_of(problem, regularizer, w), g, &shift);
    const double slope = dot(g.data(), step), before = objective(w);
    double length = 1;
    for (int halvings = 0; halvings < 60; ++halvings, length /= 2) {
      for (std::size_t j = 0; j < d; ++j) next[j] = w[j] + length * step[j];
      // Near the minimum the decrease is below what doubles resolve.
      if (objective(next) <= before + 1e-4 * length * slope + 1e-15 * std::fabs(before)) break;
    }
    w.swap(next);
  }
  return point;
}

}  // namespace gradquake::paper
