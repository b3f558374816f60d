#include "gradquake/data/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "gradquake/data/synthetic_logistic.h"

namespace gradquake::data {
namespace {

// The known answers come from a second implementation, in Python's integers.
TEST(RandomStreamTest, BitsAreSplitMix64OfSeedAndSubstream) {
  RandomStream first(7);
  EXPECT_EQ(first.bits(), 0x266688f86d3da43au);
  EXPECT_EQ(first.bits(), 0x156f8880005fdaf6u);
  EXPECT_EQ(first.bits(), 0x08aa086fc04be147u);
  RandomStream second(7, 1);
  EXPECT_EQ(second.bits(), 0xa4296d06ba71693bu);
}

TEST(RandomStreamTest, NormalsAreThePolarMethodsToTheBit) {
  RandomStream stream(7);
  EXPECT_EQ(stream.normal(), -0x1.0065c64453ec0p-1);
  EXPECT_EQ(stream.normal(), -0x1.d7a6d4649b52dp-5);
  EXPECT_EQ(stream.normal(), -0x1.521d9b23cadb1p-1);
  EXPECT_EQ(stream.normal(), -0x1.1c7789c7a8c0ep-2);
}

TEST(RandomStreamTest, PortableLogFollowsLogWithinTwoUnitsInTheLastPlace) {
  RandomStream stream(3);
  for (int i = 0; i < 100000; ++i) {
    const double x = std::ldexp(stream.uniform() + 0.5, static_cast<int>(stream.below(100)) - 50);
    const double expected = std::log(x);
    ASSERT_LE(std::abs(portable_log(x) - expected), std::abs(expected) * 4.5e-16 + 1e-300) << "x = " << x;
  }
  EXPECT_EQ(portable_log(1.0), 0.0);
}

// 4 standard errors: a false alarm in 1 of 16,000 seeds a moment.
TEST(RandomStreamTest, NormalsHaveTheMomentsOfTheNormalDistribution) {
  RandomStream stream(11);
  const int n = 1'000'000;
  std::array<double, 5> sums{};
  for (int i = 0; i < n; ++i) {
    double power = 1;
    const double z = stream.normal();
    for (double& sum : sums) {
      sum += power;
      power *= z;
    }
  }
  EXPECT_NEAR(sums[1] / n, 0, 4 * 1e-3);
  EXPECT_NEAR(sums[2] / n, 1, 4 * std::sqrt(2.0) * 1e-3);
  EXPECT_NEAR(sums[3] / n, 0, 4 * std::sqrt(15.0) * 1e-3);
  EXPECT_NEAR(sums[4] / n, 3, 4 * std::sqrt(96.0) * 1e-3);
}

// Chi-square with 6 degrees of freedom: 22.5 is exceeded by 1 in 1,000 seeds.
TEST(RandomStreamTest, BelowIsUniform) {
  RandomStream stream(5);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts[stream.below(7)];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000;
  EXPECT_LT(chi_square, 22.5);
  EXPECT_EQ(stream.below(1), 0u);
}

TEST(RandomStreamTest, CoinComesUpWithTheProbabilityOfItsLogit) {
  RandomStream stream(9);
  const double logit = 1.3, p = 1 / (1 + std::exp(-logit));
  const int n = 200000;
  int heads = 0;
  for (int i = 0; i < n; ++i) heads += stream.coin(logit);
  EXPECT_NEAR(static_cast<double>(heads) / n, p, 4 * std::sqrt(p * (1 - p) / n));
}

// Known answers from a second implementation in Python, with its own logarithm.
TEST(SyntheticLogisticTest, TheProblemOfASeedIsKnown) {
  const auto problem = make_synthetic_logistic(4, 3, 12345);
  EXPECT_EQ(problem.solution, (std::vector<double>{0.7701712174578854, -0.8746854179828412, -0.06772048414396045}));
  EXPECT_EQ(problem.labels, (std::vector<double>{1, -1, 1, 1}));
  EXPECT_EQ(problem.features[0], 0.02213906583331498);
  EXPECT_EQ(problem.features[11], 1.2275658524396371);
}

TEST(SyntheticLogisticTest, MoreSamplesKeepTheFirstOnes) {
  const auto small = make_synthetic_logistic(10, 4, 1), large = make_synthetic_logistic(50, 4, 1);
  EXPECT_EQ(small.solution, large.solution);
  EXPECT_TRUE(std::equal(small.features.begin(), small.features.end(), large.features.begin()));
  EXPECT_TRUE(std::equal(small.labels.begin(), small.labels.end(), large.labels.begin()));
}

// Binned by the model's own probability; each bin within 4 standard errors.
TEST(SyntheticLogisticTest, LabelsFollowTheLogisticModel) {
  const std::int64_t samples = 100000, features = 10;
  const auto problem = make_synthetic_logistic(samples, features, 2);
  std::array<double, 10> expected{}, observed{}, variance{};
  for (std::size_t row = 0; row < static_cast<std::size_t>(samples); ++row) {
    double logit = 0;
    for (std::size_t i = 0; i < 10; ++i) logit += problem.features[row * 10 + i] * problem.solution[i];
    const double p = 1 / (1 + std::exp(-logit));
    const auto bin = std::min<std::size_t>(9, static_cast<std::size_t>(p * 10));
    expected[bin] += p;
    variance[bin] += p * (1 - p);
    observed[bin] += problem.labels[row] > 0 ? 1 : 0;
  }
  for (std::size_t bin = 0; bin < 10; ++bin) EXPECT_NEAR(observed[bin], expected[bin], 4 * std::sqrt(variance[bin]));
}

}  // namespace
}  // namespace gradquake::data
