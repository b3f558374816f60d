#include "gradquake/theory/tridiagonal.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "gradquake/theory/check.h"

namespace gradquake::theory {
namespace {

// A dense symmetric matrix under Jacobi rotations, and the row e_1^T Q of the rotations collected so far.
class JacobiRotations {
 public:
  JacobiRotations(std::span<const double> alpha, std::span<const double> beta)
      : size_(alpha.size()), matrix_(size_ * size_, 0.0), first_(size_, 0.0) {
    first_[0] = 1;
    for (std::size_t i = 0; i < size_; ++i) {
      at(i, i) = alpha[i];
      if (i + 1 < size_) {
        at(i, i + 1) = at(i + 1, i) = beta[i];
      }
    }
  }

  // Zeroes every off-diagonal entry once; false when all were negligible already.
  bool sweep() {
    bool rotated = false;
    for (std::size_t p = 0; p + 1 < size_; ++p) {
      for (std::size_t q = p + 1; q < size_; ++q) {
        const double scale = std::abs(at(p, p)) + std::abs(at(q, q));
        if (std::abs(at(p, q)) > 1e-17 * scale && at(p, q) != 0) {
          rotate(p, q);
          rotated = true;
        }
      }
    }
    return rotated;
  }

  double value(std::size_t i) const { return matrix_[i * size_ + i]; }
  double first(std::size_t i) const { return first_[i]; }

 private:
  double& at(std::size_t row, std::size_t column) { return matrix_[row * size_ + column]; }

  void rotate(std::size_t p, std::size_t q) {
    const double half_difference = (at(q, q) - at(p, p)) / (2 * at(p, q));
    const double tangent =
        (half_difference >= 0 ? 1 : -1) / (std::abs(half_difference) + std::hypot(half_difference, 1.0));
    const double cosine = 1 / std::hypot(tangent, 1.0);
    const double sine = tangent * cosine;
    for (std::size_t k = 0; k < size_; ++k) {
      const double left = at(k, p);
      const double right = at(k, q);
      at(k, p) = cosine * left - sine * right;
      at(k, q) = sine * left + cosine * right;
    }
    for (std::size_t k = 0; k < size_; ++k) {
      const double left = at(p, k);
      const double right = at(q, k);
      at(p, k) = cosine * left - sine * right;
      at(q, k) = sine * left + cosine * right;
    }
    at(p, q) = at(q, p) = 0;
    const double left = first_[p];
    const double right = first_[q];
    first_[p] = cosine * left - sine * right;
    first_[q] = sine * left + cosine * right;
  }

  std::size_t size_;
  std::vector<double> matrix_;
  std::vector<double> first_;
};

}  // namespace

TridiagonalSpectrum tridiagonal_spectrum(std::span<const double> alpha, std::span<const double> beta) {
  require(!alpha.empty() && beta.size() + 1 == alpha.size(), "m >= 1 diagonal and m - 1 off-diagonal entries",
          std::to_string(alpha.size()) + " and " + std::to_string(beta.size()));
  const auto finite = [](double x) { return std::isfinite(x); };
  require(std::all_of(alpha.begin(), alpha.end(), finite) && std::all_of(beta.begin(), beta.end(), finite),
          "finite entries of the tridiagonal matrix", "inf or nan");

  JacobiRotations jacobi(alpha, beta);
  constexpr int kMaxSweeps = 60;  // quadratic convergence: about 8 are needed
  for (int sweep = 0; sweep < kMaxSweeps && jacobi.sweep(); ++sweep) {
  }
  std::vector<std::size_t> order(alpha.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return jacobi.value(a) < jacobi.value(b); });
  TridiagonalSpectrum spectrum;
  for (const std::size_t i : order) {
    spectrum.values.push_back(jacobi.value(i));
    spectrum.first.push_back(jacobi.first(i));
  }
  return spectrum;
}

}  // namespace gradquake::theory
