#include "gradquake/core/tridiagonal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "gradquake/core/error.h"

namespace gradquake {
namespace {

constexpr int kMaxSweeps = 60;  // per eigenvalue; two are usual

// Rotates columns i and i + 1 of one row of the eigenvector matrix.
void rotate(std::vector<double>& row, std::size_t i, double c, double s) {
  const double right = row[i + 1];
  row[i + 1] = s * row[i] + c * right;
  row[i] = c * row[i] - s * right;
}

// First index m >= l at which the matrix splits: beta_m is negligible beside its neighbours.
std::size_t split(const std::vector<double>& d, const std::vector<double>& e, std::size_t l) {
  std::size_t m = l;
  while (m + 1 < d.size() &&
         std::abs(e[m]) > std::numeric_limits<double>::epsilon() * (std::abs(d[m]) + std::abs(d[m + 1])))
    ++m;
  return m;
}

// One implicit QL sweep on rows l..m.
void sweep(std::vector<double>& d, std::vector<double>& e, std::size_t l, std::size_t m, TridiagonalEigen& eigen) {
  double g = (d[l + 1] - d[l]) / (2 * e[l]);
  double r = std::hypot(g, 1.0);
  g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
  double s = 1, c = 1, p = 0;
  for (std::size_t i = m; i-- > l;) {
    const double f = s * e[i], b = c * e[i];
    r = std::hypot(f, g);
    e[i + 1] = r;
    if (r == 0) {  // underflow: the matrix splits here
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(eigen.first, i, c, s);
    rotate(eigen.last, i, c, s);
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}

bool is_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

TridiagonalEigen sorted(const TridiagonalEigen& eigen) {
  std::vector<std::size_t> order(eigen.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return eigen.values[a] < eigen.values[b]; });
  TridiagonalEigen result;
  for (const std::size_t i : order) {
    const double sign = eigen.first[i] < 0 ? -1 : 1;
    result.values.push_back(eigen.values[i]);
    result.first.push_back(sign * eigen.first[i]);
    result.last.push_back(sign * eigen.last[i]);
  }
  return result;
}

TridiagonalEigen not_converged(std::size_t size) {
  const std::vector<double> nan(size, std::numeric_limits<double>::quiet_NaN());
  return {.values = nan, .first = nan, .last = nan, .converged = false};
}

}  // namespace

TridiagonalEigen tridiagonal_eigen(const Tridiagonal& matrix) {
  const std::size_t size = matrix.alpha.size();
  if (matrix.beta.size() + 1 != std::max<std::size_t>(size, 1)) {
    throw UserError("core", "expected one off-diagonal entry fewer than the diagonal's " + std::to_string(size) +
                                ", got " + std::to_string(matrix.beta.size()));
  }
  if (size == 0) return {};
  if (!is_finite(matrix.alpha) || !is_finite(matrix.beta)) return not_converged(size);

  TridiagonalEigen eigen;
  eigen.first.assign(size, 0);
  eigen.last.assign(size, 0);
  eigen.first.front() = 1;
  eigen.last.back() = 1;
  std::vector<double> d = matrix.alpha, e = matrix.beta;
  e.push_back(0);
  for (std::size_t l = 0; l < size; ++l) {
    int sweeps = 0;
    for (std::size_t m = split(d, e, l); m != l; m = split(d, e, l)) {
      if (++sweeps > kMaxSweeps) return not_converged(size);
      sweep(d, e, l, m, eigen);
    }
  }
  if (!is_finite(d)) return not_converged(size);
  eigen.values = std::move(d);
  return sorted(eigen);
}

}  // namespace gradquake
