#include "gradquake/core/tridiagonal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <vector>

#include "gradquake/core/error.h"

namespace gradquake {
namespace {

// T x for a tridiagonal T.
std::vector<double> multiply(const Tridiagonal& matrix, const std::vector<double>& x) {
  const std::size_t m = x.size();
  std::vector<double> y(m);
  for (std::size_t i = 0; i < m; ++i) {
    y[i] = matrix.alpha[i] * x[i];
    if (i > 0) y[i] += matrix.beta[i - 1] * x[i - 1];
    if (i + 1 < m) y[i] += matrix.beta[i] * x[i + 1];
  }
  return y;
}

Tridiagonal random_matrix(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Tridiagonal matrix;
  for (std::size_t i = 0; i < size; ++i) matrix.alpha.push_back(normal(generator));
  for (std::size_t i = 0; i + 1 < size; ++i) matrix.beta.push_back(normal(generator));
  return matrix;
}

TEST(TridiagonalTest, SecondDifferenceMatrixHasItsClosedFormSpectrum) {
  // alpha = 2, beta = -1: values 2 - 2 cos(j pi / (m + 1)), components sqrt(2 / (m + 1)) sin(i j pi / (m + 1)).
  const std::size_t m = 30;
  const auto eigen = tridiagonal_eigen({.alpha = std::vector<double>(m, 2), .beta = std::vector<double>(m - 1, -1)});
  ASSERT_TRUE(eigen.converged);
  for (std::size_t j = 1; j <= m; ++j) {
    const double angle = static_cast<double>(j) * std::numbers::pi / (m + 1);
    const double first = std::sqrt(2.0 / (m + 1)) * std::sin(angle);
    EXPECT_NEAR(eigen.values[j - 1], 2 - 2 * std::cos(angle), 1e-13);
    EXPECT_NEAR(eigen.first[j - 1], first, 1e-13);
    EXPECT_NEAR(eigen.last[j - 1], (j % 2 == 1 ? 1 : -1) * first, 1e-13);
  }
}

TEST(TridiagonalTest, FirstComponentsReproduceTheMomentsOfTheMatrix) {
  // e_1' T^k e_1 = sum_i first_i^2 values_i^k, the left side by repeated multiplication.
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto matrix = random_matrix(1 + seed, seed);
    const auto eigen = tridiagonal_eigen(matrix);
    ASSERT_TRUE(eigen.converged);
    std::vector<double> x(matrix.alpha.size(), 0);
    x[0] = 1;
    for (int k = 0; k < 6; ++k, x = multiply(matrix, x)) {
      double moment = 0, size = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double term = eigen.first[i] * eigen.first[i] * std::pow(eigen.values[i], k);
        moment += term;
        size += std::abs(term);
      }
      EXPECT_NEAR(moment, x[0], 1e-12 * size);
    }
  }
}

TEST(TridiagonalTest, LastComponentsBelongToTheFirstOnes) {
  // e_m' T^(m-1) e_1 = product of the betas = sum_i first_i last_i values_i^(m-1); lower powers give 0.
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto matrix = random_matrix(5, seed);
    const auto eigen = tridiagonal_eigen(matrix);
    for (int k = 0; k < 5; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < 5; ++i) sum += eigen.first[i] * eigen.last[i] * std::pow(eigen.values[i], k);
      const double product = std::accumulate(matrix.beta.begin(), matrix.beta.end(), 1.0, std::multiplies<>());
      EXPECT_NEAR(sum, k == 4 ? product : 0, 1e-11);
    }
  }
}

TEST(TridiagonalTest, SplitMatrixKeepsItsBlocksApart) {
  const auto eigen = tridiagonal_eigen({.alpha = {5, 2, 2}, .beta = {0, 1}});
  const std::vector<double> values{1, 3, 5}, first{0, 0, 1}, last{std::sqrt(0.5), std::sqrt(0.5), 0};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(eigen.values[i], values[i], 1e-15);
    EXPECT_NEAR(eigen.first[i], first[i], 1e-15);
    EXPECT_NEAR(std::abs(eigen.last[i]), last[i], 1e-15);
  }
}

TEST(TridiagonalTest, SmallAndZeroMatricesAreExact) {
  EXPECT_TRUE(tridiagonal_eigen({}).values.empty());
  const auto one = tridiagonal_eigen({.alpha = {-3}, .beta = {}});
  EXPECT_EQ(one.values, std::vector<double>{-3});
  EXPECT_EQ(one.first, std::vector<double>{1});
  EXPECT_EQ(one.last, std::vector<double>{1});
  EXPECT_EQ(tridiagonal_eigen({.alpha = {0, 0}, .beta = {0}}).values, (std::vector<double>{0, 0}));
}

TEST(TridiagonalTest, ExtremeScalesKeepRelativeAccuracy) {
  for (const double scale : {1e-150, 1e150}) {
    const auto eigen = tridiagonal_eigen({.alpha = {2 * scale, 2 * scale}, .beta = {scale}});
    ASSERT_TRUE(eigen.converged);
    EXPECT_NEAR(eigen.values[0] / scale, 1, 1e-14);
    EXPECT_NEAR(eigen.values[1] / scale, 3, 1e-14);
  }
}

TEST(TridiagonalTest, NonFiniteEntryIsReportedAndNotIteratedOn) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf}) {
    const auto eigen = tridiagonal_eigen({.alpha = {1, 2}, .beta = {bad}});
    EXPECT_FALSE(eigen.converged);
    EXPECT_TRUE(std::isnan(eigen.values[0]));
  }
}

TEST(TridiagonalTest, MismatchedSizesAreTheCallersMistake) {
  EXPECT_THROW(tridiagonal_eigen({.alpha = {1, 2}, .beta = {}}), UserError);
  EXPECT_THROW(tridiagonal_eigen({.alpha = {}, .beta = {1}}), UserError);
}

}  // namespace
}  // namespace gradquake
