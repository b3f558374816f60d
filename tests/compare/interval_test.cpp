#include "gradquake/compare/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace gradquake::compare {
namespace {

TEST(IntervalTest, AConstantRatioHasNoWidth) {
  const Interval found = ratio_of_sums({2, 4, 6}, {1, 2, 3});
  EXPECT_DOUBLE_EQ(found.estimate, 2);
  EXPECT_NEAR(found.low, 2, 1e-12);
  EXPECT_NEAR(found.high, 2, 1e-12);
}

TEST(IntervalTest, TwoDrawsAreThoseOfTheHandCalculation) {
  // Without one draw ln ratio is ln 1 or ln 4: mean ln 2, so the jackknife's error is ln 2; t with one degree 12.706.
  const Interval found = ratio_of_sums({4, 1}, {1, 1});
  EXPECT_DOUBLE_EQ(found.estimate, 2.5);
  EXPECT_NEAR(found.high / found.estimate, std::exp(12.7062047 * std::log(2.0)), 1e-3);
  EXPECT_NEAR(found.low * found.high, found.estimate * found.estimate, 1e-9);
}

TEST(IntervalTest, NothingIsNothing) { EXPECT_EQ(ratio_of_sums({0, 0}, {1, 2}).high, 0); }

TEST(IntervalTest, PowersOfAnIntervalKeepItsEndsInOrder) {
  const Interval root = power_of({4, 1, 9}, 0.5, 3), inverse = power_of({4, 2, 8}, -1);
  EXPECT_DOUBLE_EQ(root.estimate, 6);
  EXPECT_DOUBLE_EQ(root.low, 3);
  EXPECT_DOUBLE_EQ(root.high, 9);
  EXPECT_DOUBLE_EQ(inverse.low, 0.125);
  EXPECT_DOUBLE_EQ(inverse.high, 0.5);
}

// 2,000 data sets of 8 draws: a true coverage of 93 to 97 % shows 91.7 to 98 % in all but 1 of 100 such tests.
TEST(IntervalTest, IntervalsCoverTheRatioOfTheMeans) {
  std::mt19937 random(1);
  std::gamma_distribution<double> a(4, 0.5), b(50, 0.02);
  int covered = 0;
  constexpr int kSets = 2000;
  for (int set = 0; set < kSets; ++set) {
    std::vector<double> numerators, denominators;
    for (int k = 0; k < 8; ++k) {
      numerators.push_back(a(random));
      denominators.push_back(b(random));
    }
    const Interval found = ratio_of_sums(numerators, denominators);
    covered += found.low <= 2 && 2 <= found.high ? 1 : 0;
  }
  EXPECT_GT(covered, 0.917 * kSets);
  EXPECT_LT(covered, 0.98 * kSets);
}

// t = 2 sqrt(3) with two degrees: 1 - t / sqrt(2 + t^2) in closed form.
TEST(IntervalTest, TheMeansProbabilityIsStudents) {
  const double t = 2 * std::sqrt(3);
  EXPECT_NEAR(p_of_mean({1, 2, 3}), 1 - t / std::sqrt(2 + t * t), 1e-12);
  EXPECT_EQ(p_of_mean({-1, 1}), 1);
  EXPECT_EQ(p_of_mean({2, 2, 2}), 0);
}

TEST(IntervalTest, ARatioOfMeansMayHaveAnySignAndNeedsAnythingToDivideBy) {
  const auto ratio = ratio_of_means({-6, -8, -10}, {3, 4, 5});
  ASSERT_TRUE(ratio.has_value());
  EXPECT_DOUBLE_EQ(ratio->estimate, -2);
  EXPECT_NEAR(ratio->high - ratio->low, 0, 1e-12);
  EXPECT_FALSE(ratio_of_means({1, 2, 3}, {-1, 0.5, 0.6}).has_value());
}

}  // namespace
}  // namespace gradquake::compare
