// The numbers of noise.h against their distributions. Every bound is stated with the probability that right numbers
// break it; the seeds are fixed, so a test that passes goes on passing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "gradquake/hooks/random/noise.h"

namespace gradquake {
namespace {

constexpr std::size_t kCount = std::size_t{1} << 22;

std::vector<float> draw(Variate variate, std::size_t n = kCount, Stream stream = {2024, 17, 0}) {
  std::vector<float> z(n);
  add_noise(variate, z.data(), z.data(), n, 0.0f, 1.0f, stream, 0);
  return z;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

struct Moments {
  double mean, variance, skewness, kurtosis;
};

Moments moments_of(const std::vector<float>& z) {
  const double n = static_cast<double>(z.size());
  double sum = 0, m2 = 0, m3 = 0, m4 = 0;
  for (float x : z) sum += x;
  const double mean = sum / n;
  for (float x : z) {
    const double d = x - mean;
    m2 += d * d, m3 += d * d * d, m4 += d * d * d * d;
  }
  m2 /= n, m3 /= n, m4 /= n;
  return {mean, m2, m3 / std::pow(m2, 1.5), m4 / (m2 * m2)};
}

// Chi-square of `z` over `bins` bins of equal probability, as a standard normal number (Wilson and Hilferty 1931).
double chi_square_score(const std::vector<float>& z, int bins, const std::function<double(double)>& cdf) {
  std::vector<double> counts(static_cast<std::size_t>(bins));
  for (float x : z) ++counts[static_cast<std::size_t>(std::min(bins - 1, static_cast<int>(cdf(x) * bins)))];
  const double expected = static_cast<double>(z.size()) / bins, freedom = bins - 1;
  double chi_square = 0;
  for (double c : counts) chi_square += (c - expected) * (c - expected) / expected;
  return (std::cbrt(chi_square / freedom) - 1 + 2 / (9 * freedom)) / std::sqrt(2 / (9 * freedom));
}

// sqrt(n) times the largest distance of the empirical from the true distribution.
double kolmogorov_statistic(std::vector<float> z, const std::function<double(double)>& cdf) {
  std::sort(z.begin(), z.end());
  const double n = static_cast<double>(z.size());
  double distance = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double f = cdf(z[i]);
    distance = std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  return std::sqrt(n) * distance;
}

// Correlation of z with itself `lag` elements on, in standard deviations.
double correlation_score(const std::vector<float>& z, std::size_t lag, double variance) {
  double sum = 0;
  for (std::size_t i = 0; i + lag < z.size(); ++i) sum += static_cast<double>(z[i]) * z[i + lag];
  return sum / variance / std::sqrt(static_cast<double>(z.size() - lag));
}

constexpr double kFiveSigma = 5;                  // false alarm 6e-7 a comparison
constexpr double kKolmogorovOneInAMillion = 2.7;  // 2 exp(-2 x^2) = 9e-7

TEST(NoiseDistributionTest, GaussianMomentsAreThoseOfTheNormalDistribution) {
  const Moments m = moments_of(draw(Variate::kGaussian));
  const double n = static_cast<double>(kCount);
  EXPECT_NEAR(m.mean, 0, kFiveSigma / std::sqrt(n));
  EXPECT_NEAR(m.variance, 1, kFiveSigma * std::sqrt(2 / n));
  EXPECT_NEAR(m.skewness, 0, kFiveSigma * std::sqrt(6 / n));
  EXPECT_NEAR(m.kurtosis, 3, kFiveSigma * std::sqrt(24 / n));
}

TEST(NoiseDistributionTest, GaussianNumbersFillTheirBinsEvenly) {
  EXPECT_LT(chi_square_score(draw(Variate::kGaussian), 1000, normal_cdf), 4.9);  // one-sided 5e-7
}

TEST(NoiseDistributionTest, GaussianNumbersPassKolmogorovsTest) {
  EXPECT_LT(kolmogorov_statistic(draw(Variate::kGaussian, 1 << 20), normal_cdf), kKolmogorovOneInAMillion);
}

TEST(NoiseDistributionTest, GaussianTailsHaveTheirWeight) {
  std::vector<double> beyond(4);
  constexpr int kDraws = 8;
  for (std::uint32_t step = 0; step < kDraws; ++step) {
    for (float x : draw(Variate::kGaussian, kCount, {99, step, 0})) {
      for (int k = 0; k < 4; ++k) beyond[static_cast<std::size_t>(k)] += std::fabs(x) > 2 + static_cast<float>(k);
    }
  }
  for (int k = 0; k < 4; ++k) {  // 2, 3, 4, 5 standard deviations: 1.5 million to 19 expected
    const double expected = kDraws * static_cast<double>(kCount) * std::erfc((2 + k) / std::sqrt(2.0));
    EXPECT_NEAR(beyond[static_cast<std::size_t>(k)], expected, kFiveSigma * std::sqrt(expected)) << 2 + k;
  }
}

TEST(NoiseDistributionTest, GaussianNumbersStayBelowTheirBound) {
  for (float x : draw(Variate::kGaussian)) ASSERT_LE(std::fabs(x), 6.67f);
}

double laplace_cdf(double x) { return x < 0 ? std::exp(x) / 2 : 1 - std::exp(-x) / 2; }

TEST(NoiseDistributionTest, LaplaceMomentsAreThoseOfItsDensity) {
  const Moments m = moments_of(draw(Variate::kLaplace));
  const double n = static_cast<double>(kCount);
  EXPECT_NEAR(m.mean, 0, kFiveSigma * std::sqrt(2 / n));
  EXPECT_NEAR(m.variance, 2, kFiveSigma * std::sqrt((24 - 4) / n));  // E z^4 = 24
  EXPECT_NEAR(m.kurtosis, 6, 0.25);                                  // its standard deviation is 0.05: E z^8 = 40320
}

TEST(NoiseDistributionTest, LaplaceNumbersFillTheirBinsEvenly) {
  EXPECT_LT(chi_square_score(draw(Variate::kLaplace), 1000, laplace_cdf), 4.9);
  EXPECT_LT(kolmogorov_statistic(draw(Variate::kLaplace, 1 << 20), laplace_cdf), kKolmogorovOneInAMillion);
}

TEST(NoiseDistributionTest, LaplaceNumbersStayBelowTheirBound) {
  for (float x : draw(Variate::kLaplace)) ASSERT_LE(std::fabs(x), 22.2f);
}

TEST(NoiseDistributionTest, UniformMomentsAreThoseOfTheInterval) {
  const Moments m = moments_of(draw(Variate::kUniform));
  const double n = static_cast<double>(kCount);
  EXPECT_NEAR(m.mean, 0, kFiveSigma * std::sqrt(1 / (3 * n)));
  EXPECT_NEAR(m.variance, 1.0 / 3, kFiveSigma * std::sqrt(4 / (45 * n)));
  EXPECT_NEAR(m.skewness, 0, kFiveSigma * std::sqrt(6 / n));
  EXPECT_NEAR(m.kurtosis, 1.8, kFiveSigma * std::sqrt(24 / n));  // wider than needed: the true sd is smaller
}

TEST(NoiseDistributionTest, UniformNumbersFillTheirBinsEvenly) {
  const auto cdf = [](double x) { return (x + 1) / 2; };
  EXPECT_LT(chi_square_score(draw(Variate::kUniform), 1000, cdf), 4.9);
  EXPECT_LT(kolmogorov_statistic(draw(Variate::kUniform, 1 << 20), cdf), kKolmogorovOneInAMillion);
}

// 2^26 numbers of 2^24 values: the largest value 1 - 2^-23 is missed with probability exp(-4), so it is not asked for.
TEST(NoiseDistributionTest, UniformNumbersNeverReachOne) {
  float least = 0, most = 0;
  for (std::uint32_t step = 0; step < 16; ++step) {
    for (float x : draw(Variate::kUniform, kCount, {7, step, 0})) least = std::min(least, x), most = std::max(most, x);
  }
  EXPECT_GE(least, -1.0f);
  EXPECT_LT(most, 1.0f);
  EXPECT_LT(least, -1 + 1e-6f);  // missed with probability exp(-32)
  EXPECT_GT(most, 1 - 1e-6f);
}

TEST(NoiseDistributionTest, RademacherNumbersAreSignsAndFair) {
  double sum = 0;
  for (float x : draw(Variate::kRademacher)) {
    ASSERT_TRUE(x == 1.0f || x == -1.0f);
    sum += x;
  }
  EXPECT_LT(std::fabs(sum), kFiveSigma * std::sqrt(static_cast<double>(kCount)));
}

TEST(NoiseDistributionTest, TenSignsInARowMakeEveryPatternEquallyOften) {
  const auto z = draw(Variate::kRademacher, 10 << 18);
  std::vector<float> patterns;
  for (std::size_t i = 0; i + 10 <= z.size(); i += 10) {
    int pattern = 0;
    for (std::size_t j = 0; j < 10; ++j) pattern = 2 * pattern + (z[i + j] > 0);
    patterns.push_back(static_cast<float>(pattern));
  }
  EXPECT_LT(chi_square_score(patterns, 1024, [](double x) { return (x + 0.5) / 1024; }), 4.9);
}

TEST(NoiseDistributionTest, NeighboursInTheSameRowPairBlockAndGroupAreUncorrelated) {
  for (Variate variate : {Variate::kGaussian, Variate::kUniform, Variate::kRademacher}) {
    const auto z = draw(variate);
    const double variance = variate == Variate::kUniform ? 1.0 / 3 : 1;
    for (std::size_t lag : {1u, 2u, 8u, 16u, 32u, 64u, 128u, 256u, 2048u}) {
      EXPECT_LT(std::fabs(correlation_score(z, lag, variance)), kFiveSigma) << lag;
    }
  }
}

TEST(NoiseDistributionTest, SquaresOfTheTwoNumbersOfAPairAreUncorrelated) {
  auto z = draw(Variate::kGaussian);
  for (float& x : z) x = x * x - 1;
  for (std::size_t lag : {1u, 16u, 32u, 64u}) EXPECT_LT(std::fabs(correlation_score(z, lag, 2)), kFiveSigma) << lag;
}

TEST(NoiseDistributionTest, NeighbouringStreamsAreUncorrelated) {
  const Stream base{2024, 17, 0};
  const auto z = draw(Variate::kGaussian, 1 << 20, base);
  for (const Stream& other : {Stream{2024, 18, 0}, Stream{2024, 17, 1}, Stream{2025, 17, 0},
                              Stream{2024 + (std::uint64_t{1} << 32), 17, 0}}) {
    const auto w = draw(Variate::kGaussian, 1 << 20, other);
    double sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i) sum += static_cast<double>(z[i]) * w[i];
    EXPECT_LT(std::fabs(sum) / std::sqrt(static_cast<double>(z.size())), kFiveSigma);
  }
}

}  // namespace
}  // namespace gradquake
