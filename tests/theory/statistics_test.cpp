// Exponents, occurrence counts, measured errors and scores.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "gradquake/core/error.h"
#include "gradquake/theory/exponents.h"
#include "gradquake/theory/measured_error.h"
#include "gradquake/theory/occurrences.h"
#include "gradquake/theory/prediction.h"
#include "gradquake/theory/score.h"

namespace gradquake::theory {
namespace {

TEST(ExponentsTest, ASingleRunShowsItsScaledSizesAndDecidesNothing) {
  const auto rows = exponent_conditions({.delta_rms = 0.5, .delta_mean = 0.25, .eps_rms = 2, .eps_mean = 0}, 256, true);
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_DOUBLE_EQ(*rows[0].value, 0.5 * 2);  // 256^(1/8) = 2
  EXPECT_DOUBLE_EQ(*rows[1].value, 0.25 * 4);
  EXPECT_DOUBLE_EQ(*rows[2].value, 2);
  EXPECT_DOUBLE_EQ(*rows[3].value, 0);
  EXPECT_NEAR(*rows[4].value, 0.5 / std::pow(std::log(256.0) / 256, 0.25), 1e-12);
  EXPECT_NEAR(*rows[5].value, 0.25 / std::sqrt(std::log(256.0) / 256), 1e-12);
  for (const Condition& row : rows) {
    EXPECT_FALSE(row.holds.has_value());
    EXPECT_FALSE(row.threshold.has_value());
  }
  EXPECT_EQ(rows[0].equation, "(43)");
  EXPECT_EQ(rows[4].equation, "(44)");
}

TEST(ExponentsTest, AtOneStepThePlRowsHaveNoValue) {
  const auto rows = exponent_conditions({.delta_rms = 1, .delta_mean = 1, .eps_rms = 1, .eps_mean = 1}, 1, true);
  EXPECT_FALSE(rows[4].value.has_value());
  EXPECT_THROW(exponent_conditions({}, 0, false), UserError);
}

TEST(ExponentsTest, AnExactPowerLawIsFoundExactly) {
  const std::vector<double> T{10, 100, 1000, 10000};
  std::vector<double> y;
  for (const double t : T) {
    y.push_back(3 * std::pow(t, -0.25));
  }
  const Exponent fit = fit_exponent(T, y);
  EXPECT_NEAR(fit.value, -0.25, 1e-12);
  EXPECT_NEAR(fit.high - fit.low, 0, 1e-9);
}

TEST(ExponentsTest, TheIntervalCoversTheTruthAsOftenAsItSays) {
  // 95 % nominal; of 2000 the count has standard deviation 9.7. False-alarm rate of this test below 1e-6.
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  const std::vector<double> T{10, 30, 100, 300, 1000};
  int covered = 0;
  for (int n = 0; n < 2000; ++n) {
    std::vector<double> y;
    for (const double t : T) {
      y.push_back(std::sqrt(t) * std::exp(0.2 * normal(random)));
    }
    const Exponent fit = fit_exponent(T, y);
    covered += fit.low <= 0.5 && 0.5 <= fit.high ? 1 : 0;
  }
  EXPECT_NEAR(covered, 1900, 50);
}

TEST(ExponentsTest, StudentsQuantilesAreTheTabulatedOnes) {
  EXPECT_NEAR(student_quantile(1), 12.7062047, 1e-7);
  EXPECT_NEAR(student_quantile(2), 4.3026527, 1e-7);
  EXPECT_NEAR(student_quantile(9), 2.2621572, 1e-7);
  EXPECT_NEAR(student_quantile(10), 2.2281389, 1e-7);
  EXPECT_NEAR(student_quantile(40), 2.0210754, 1e-7);
  EXPECT_NEAR(student_quantile(99), 1.9842170, 1e-7);
  EXPECT_NEAR(student_quantile(100000), 1.9599877, 1e-7);
}

TEST(OccurrencesTest, Table1HasThePrintedExponents) {
  const auto table = table1();
  EXPECT_EQ(table[0].delta_exponent, 0.5);
  EXPECT_EQ(table[0].eps_exponent, 1);
  EXPECT_EQ(table[1].eps_exponent, 0.5);
  EXPECT_EQ(table[2].delta_exponent, 0);
  EXPECT_EQ(table[2].eps_exponent, 1);
  EXPECT_EQ(table[3].eps_exponent, 0);
}

TEST(OccurrencesTest, AtTable1sLimitTheOrderStaysTheRate) {
  for (const OccurrenceLimit& limit : table1()) {
    for (const std::int64_t T : {10'000LL, 100'000'000LL}) {
      const auto t = static_cast<double>(T);
      const auto Q_delta = static_cast<std::int64_t>(std::pow(t, limit.delta_exponent));
      const auto Q_eps = static_cast<std::int64_t>(std::pow(t, limit.eps_exponent));
      const auto order = occurrence_order(limit.pl, limit.zero_mean, T, Q_delta, Q_eps, Variant::kCorrected);
      EXPECT_LE(order.value, 4 * order.optimization) << limit.equation;
      const auto beyond = occurrence_order(limit.pl, limit.zero_mean, T, 100 * Q_delta, Q_eps, Variant::kCorrected);
      EXPECT_GT(beyond.value, 50 * order.optimization) << limit.equation;
    }
  }
}

TEST(OccurrencesTest, ARunShowsItsCountsBesideTheirOrderOfMagnitude) {
  const auto rows = occurrence_conditions(false, true, 10'000, 20, 0);
  EXPECT_EQ(*rows[0].value, 20);
  EXPECT_DOUBLE_EQ(*rows[0].threshold, 100);
  EXPECT_DOUBLE_EQ(*rows[0].margin, 5);
  EXPECT_DOUBLE_EQ(*rows[1].threshold, 10'000);
  EXPECT_FALSE(rows[1].margin.has_value());
  EXPECT_FALSE(rows[0].holds.has_value());
}

TEST(MeasuredErrorTest, TheBiasEstimateIsUnbiasedAndItsErrorHonest) {
  // z = b + noise in 3 dimensions, |b|^2 = 0.25, E|noise|^2 = 3. Mean of 2000 estimates: false-alarm rate below 1e-4.
  std::mt19937_64 random(8);
  std::normal_distribution<double> normal;
  constexpr int kRepeats = 20;
  constexpr int kTrials = 2000;
  double bias = 0, bias_squares = 0, second = 0, claimed = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::vector<double>> z;
    for (int r = 0; r < kRepeats; ++r) {
      z.push_back({0.5 + normal(random), normal(random), normal(random)});
    }
    std::vector<double> gram;
    for (const auto& a : z) {
      for (const auto& b : z) {
        gram.push_back(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
      }
    }
    const ErrorEstimate estimate = error_estimate(gram, kRepeats);
    bias += estimate.bias_squared / kTrials;
    bias_squares += estimate.bias_squared * estimate.bias_squared / kTrials;
    second += estimate.second_moment / kTrials;
    claimed += estimate.bias_squared_error * estimate.bias_squared_error / kTrials;
  }
  const double spread = std::sqrt(bias_squares - bias * bias);
  EXPECT_NEAR(bias, 0.25, 4 * spread / std::sqrt(kTrials));
  EXPECT_NEAR(second, 3.25, 0.06);
  EXPECT_GT(std::sqrt(claimed) / spread, 0.95);  // the jackknife errs upward
  EXPECT_LT(std::sqrt(claimed) / spread, 1.2);
}

TEST(MeasuredErrorTest, IdenticalErrorsAreAllBias) {
  const ErrorEstimate estimate = error_estimate(std::vector<double>(9, 4.0), 3);
  EXPECT_DOUBLE_EQ(estimate.bias_squared, 4);
  EXPECT_DOUBLE_EQ(estimate.second_moment, 4);
  EXPECT_DOUBLE_EQ(estimate.bias_squared_error, 0);
  EXPECT_THROW(error_estimate(std::vector<double>(1, 4.0), 1), UserError);
  EXPECT_THROW(error_estimate(std::vector<double>(3, 4.0), 2), UserError);
}

TEST(ScoreTest, CoverageCountsPairsAndKeepsTheRestApart) {
  const std::vector<Comparison> comparisons{
      {10, 5, ""}, {3, 5, ""}, {7, 7, ""}, {{}, 4, kNoiseFloor}, {{}, 4, "not stated for adam"}, {9, {}, ""}};
  const Score result = score(comparisons, true);
  EXPECT_EQ(result.compared, 3);
  EXPECT_EQ(result.covered, 2);
  EXPECT_DOUBLE_EQ(*result.coverage, 2.0 / 3);
  EXPECT_DOUBLE_EQ(*result.sharpness, 1);  // of 11/6, 4/6 and 8/8
  EXPECT_EQ(result.noise_floor, 1);
  EXPECT_EQ(result.other_without, 1);
  EXPECT_EQ(result.unobserved, 1);
}

TEST(ScoreTest, WithoutPairsThereIsNoScore) {
  const Score result = score({}, true);
  EXPECT_FALSE(result.coverage.has_value());
  EXPECT_FALSE(result.sharpness.has_value());
}

TEST(ScoreTest, AConditionThatHoldsWhileTheRunDivergesIsFound) {
  std::vector<Condition> conditions(2);
  conditions[0].name = "step_size";
  conditions[0].holds = true;
  conditions[1].name = "linear_stability";
  conditions[1].holds = false;
  EXPECT_TRUE(findings(conditions, "recovered", true).empty());
  const auto exact = findings(conditions, "diverged", true);
  ASSERT_EQ(exact.size(), 1U);
  EXPECT_EQ(exact[0].condition, "step_size");
  EXPECT_EQ(exact[0].kind, "contradiction");
  EXPECT_EQ(findings(conditions, "diverged", false)[0].kind, "misprediction");
}

}  // namespace
}  // namespace gradquake::theory
