#include "gradquake/paper/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/paper/estimate.h"

namespace gradquake::paper {
namespace {

TEST(MetricsTest, TheMovingAverageStartsAtTheFirstNormAndWeighsTheNewOne) {
  const std::vector<double> averages = moving_average({8, 4, 4}, 0.25);
  EXPECT_EQ(averages, (std::vector<double>{8, 7, 6.25}));
}

TEST(MetricsTest, TheStableNormIsTheMeanOfTheLastHalf) {
  EXPECT_EQ(stable_norm({9, 9, 3, 1}), 2);
  EXPECT_EQ(stable_norm({9, 9, 9, 3, 1}), 2) << "floor(5/2) = 2 steps";
}

TEST(MetricsTest, TheStableIterationIsTheFirstStrictlyBelowOneAndAHalfTimesTheStableNorm) {
  EXPECT_EQ(stable_iteration({5, 3, 2.9, 2, 2}, 2), 2);
  EXPECT_EQ(stable_iteration({5, 4, 3}, 2), std::nullopt);
}

TEST(EstimateTest, TheIntervalIsStudents) {
  const Estimate estimate = mean_of({1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(estimate.value, 3);
  EXPECT_NEAR(estimate.high - 3, 2.776445 * std::sqrt(2.5 / 5), 1e-4);
  EXPECT_NEAR(3 - estimate.low, estimate.high - 3, 1e-12);
}

TEST(EstimateTest, OneSeedHasNoIntervalAndNanIsLeftOut) {
  const Estimate estimate = mean_of({2, std::nan("")});
  EXPECT_EQ(estimate.value, 2);
  EXPECT_EQ(estimate.seeds, 1u);
  EXPECT_TRUE(std::isnan(estimate.low) && std::isnan(estimate.high));
  EXPECT_FALSE(estimate.inside(0, 4));
}

TEST(EstimateTest, APowerLawHasItsExponent) {
  EXPECT_NEAR(log_slope({1, 10, 100}, {3, 3e-2, 3e-4}), -2, 1e-12);
  EXPECT_TRUE(std::isnan(log_slope({1, 10}, {1, 0})));
}

TEST(EstimateTest, PlateauAndNoiseAreToldApart) {
  const std::vector<double> gammas = {0.01, 0.03, 0.1, 0.3};
  std::vector<double> levels, noise;
  for (const double gamma : gammas) {
    levels.push_back(std::sqrt(4e-6 + 5e-5 * gamma));
    noise.push_back(std::sqrt(5e-5 * gamma));
  }
  EXPECT_NEAR(fit_plateau(gammas, levels).plateau, 2e-3, 1e-12);
  EXPECT_NEAR(fit_plateau(gammas, levels).noise, 5e-5, 1e-13);
  EXPECT_LT(fit_plateau(gammas, noise).plateau, 1e-9);
  EXPECT_EQ(fit_plateau({0.1, 0.2}, {1, 2}).plateau, 0) << "steeper than noise: no plateau, never an imaginary one";
}

TEST(EstimateTest, ACrossingIsFoundOnTheStraightLineOfTheLogarithms) {
  EXPECT_NEAR(first_crossing({1, 10, 100}, {100, 10, 1}, std::sqrt(10.0)), 10 * std::sqrt(10.0), 1e-9);
  EXPECT_NEAR(first_crossing({1, 4}, {1, 4}, 2), 2, 1e-12);
  EXPECT_TRUE(std::isnan(first_crossing({1, 10}, {5, 4}, 2)));
}

}  // namespace
}  // namespace gradquake::paper
