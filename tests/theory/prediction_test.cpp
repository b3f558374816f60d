#include "gradquake/theory/prediction.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/core/error.h"

namespace gradquake::theory {
namespace {

constexpr PlProblem kProblem{.smoothness = 2, .pl = 0.6, .gradient_variance = 0.01, .step_size = 0.1};
constexpr double kRho = 1 - 0.6 * 0.1 / 3;
constexpr double kFloor = 3 * 2 * 0.1 * 0.01 / 0.6;

TEST(PredictionTest, ThePlateauIsTheFixedPointOfJumpAndDecay) {
  const double jump = spike_jump(2, 0.1, 4, 1);
  EXPECT_DOUBLE_EQ(jump, 2 * 0.01 * 4 + 0.1 / 2);
  for (const int interval : {1, 10, 1000}) {
    double peak = 0;  // loss right after a spike
    for (int spike = 0; spike < 20'000 / interval + 50; ++spike) {
      peak = std::pow(kRho, interval) * peak + jump;
    }
    EXPECT_NEAR(*plateau_level(kProblem, 4, 1, interval).value, peak, 1e-9);
  }
}

TEST(PredictionTest, RecoveryIsTheFirstStepAtWhichTheBoundIsInTheBand) {
  for (const double level : {0.5, 1.0, 2.0}) {
    const ObservedSpike spike{.error = 3, .loss = 1.5, .minimum_loss = 0.2, .level = level, .factor = 1.5};
    const Prediction prediction = recovery_steps(kProblem, spike);
    ASSERT_TRUE(prediction.value.has_value());
    const double allowed = (std::pow(1.5 * level, 2) - 0.01) / 4;
    const double start = 1.3 + spike_jump(2, 0.1, 9, 9);
    const double k = *prediction.value;
    EXPECT_LE(std::pow(kRho, k) * start + kFloor, allowed * (1 + 1e-9));
    if (k > 0) {
      EXPECT_GT(std::pow(kRho, k - 1) * start + kFloor, allowed);
    }
    EXPECT_TRUE(prediction.reason.empty());
  }
}

TEST(PredictionTest, AHighLevelIsRecoveredAtOnce) {
  const ObservedSpike spike{.error = 0.1, .loss = 0.3, .minimum_loss = 0.2, .level = 100, .factor = 1.5};
  EXPECT_EQ(*recovery_steps(kProblem, spike).value, 0);
}

TEST(PredictionTest, BelowTheNoiseFloorThereIsNoPrediction) {
  const ObservedSpike spike{.error = 3, .loss = 1.5, .minimum_loss = 0, .level = 0.1, .factor = 1.5};
  const Prediction prediction = recovery_steps(kProblem, spike);
  EXPECT_FALSE(prediction.value.has_value());
  EXPECT_EQ(prediction.reason, kNoiseFloor);
}

TEST(PredictionTest, AnUnknownMinimumIsTakenAsZeroAndSaidSo) {
  const ObservedSpike spike{.error = 3, .loss = 1.5, .minimum_loss = {}, .level = 1, .factor = 1.5};
  EXPECT_EQ(recovery_steps(kProblem, spike).reason, "l* taken as 0");
}

TEST(PredictionTest, BeyondOneThirdOverLNothingIsPredicted) {
  PlProblem problem = kProblem;
  problem.step_size = 0.2;
  const ObservedSpike spike{.error = 3, .loss = 1.5, .minimum_loss = 0, .level = 1, .factor = 1.5};
  for (const Prediction& one : {recovery_steps(problem, spike), plateau_level(problem, 1, 1, 10),
                                steps_to_loss(problem, 1, 0, 0, 0.1), steps_to_gradient(2, 0, 0.2, 1, 0, 0, 0.1)}) {
    EXPECT_FALSE(one.value.has_value());
    EXPECT_TRUE(one.reason.starts_with("condition does not hold"));
  }
}

TEST(PredictionTest, StepsToALossAreTheFirstAtWhichTheBoundFallsToIt) {
  const double e2 = 0.02, b2 = 0.001;
  const double jump = spike_jump(2, 0.1, e2, b2);
  const double plateau = jump / (1 - kRho);
  const double target = 2 * (kFloor + plateau);
  const double T = *steps_to_loss(kProblem, 5, e2, b2, target).value;
  const auto bound = [&](double t) { return std::pow(kRho, t) * 5 + kFloor + plateau * (1 - std::pow(kRho, t)); };
  EXPECT_LE(bound(T), target * (1 + 1e-9));
  EXPECT_GT(bound(T - 1), target);
  EXPECT_EQ(*steps_to_loss(kProblem, 1e-6, e2, b2, target).value, 0);
  EXPECT_FALSE(steps_to_loss(kProblem, 5, e2, b2, kFloor + plateau / 2).value.has_value());
}

TEST(PredictionTest, StepsToAGradientInvert34) {
  const double T = *steps_to_gradient(2, 0.01, 0.1, 5, 0.02, 0.001, 0.1).value;
  const auto bound = [](double t) { return 6 * 5 / (0.1 * t) + 6 * 2 * 0.1 * (0.01 + 0.02) + 3 * 0.001; };
  EXPECT_LE(bound(T), 0.1 * (1 + 1e-9));
  EXPECT_GT(bound(T - 1), 0.1);
  EXPECT_FALSE(steps_to_gradient(2, 0.01, 0.1, 5, 0.02, 0.001, 0.01).value.has_value());
}

TEST(PredictionTest, ASpikeAddsItsShareToTheAverageOf34) {
  EXPECT_DOUBLE_EQ(*spike_share(2, 0.1, 4, 1, 100).value, (6 * 2 * 0.1 * 4 + 3) / 100);
  const Prediction beyond = spike_share(2, 0.2, 4, 1, 100);
  EXPECT_FALSE(beyond.value.has_value());
  EXPECT_NE(beyond.reason.find("condition does not hold"), std::string::npos);
}

TEST(PredictionTest, BadArgumentsAreRefused) {
  PlProblem problem = kProblem;
  problem.pl = 3;
  EXPECT_THROW(plateau_level(problem, 1, 1, 10), UserError);
  EXPECT_THROW(plateau_level(kProblem, -1, 1, 10), UserError);
  EXPECT_THROW(plateau_level(kProblem, 1, 1, 0), UserError);
  EXPECT_THROW(spike_share(2, 0.1, 4, 1, 0), UserError);
}

}  // namespace
}  // namespace gradquake::theory
