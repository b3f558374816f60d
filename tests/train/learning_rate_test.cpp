#include "gradquake/train/learning_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gradquake::train {
namespace {

constexpr double kRate = 0.3;
constexpr std::int64_t kSteps = 100;

LearningRateSchedule schedule_of(const std::string& kind, std::int64_t warmup = 0) {
  LearningRateSchedule schedule;
  schedule.kind = kind;
  schedule.warmup = warmup;
  return schedule;
}

double rate(const LearningRateSchedule& schedule, std::int64_t step) {
  return learning_rate_at(schedule, kRate, step, kSteps);
}

TEST(LearningRateTest, AConstantRateIsConstant) {
  for (const std::int64_t step : {0, 1, 99, 1000}) EXPECT_EQ(rate(schedule_of("constant"), step), kRate);
}

TEST(LearningRateTest, InverseSqrtFallsWithTheRootOfTheSteps) {
  const auto schedule = schedule_of("inverse_sqrt");
  EXPECT_EQ(rate(schedule, 0), kRate);
  EXPECT_DOUBLE_EQ(rate(schedule, 3), kRate / 2);
  EXPECT_DOUBLE_EQ(rate(schedule, 99), kRate / 10);
}

TEST(LearningRateTest, CosineFallsFromTheRateToItsFinalFraction) {
  auto schedule = schedule_of("cosine");
  schedule.final = 0.2;
  EXPECT_DOUBLE_EQ(rate(schedule, 0), kRate);
  EXPECT_DOUBLE_EQ(rate(schedule, 50), kRate * 0.6);
  EXPECT_DOUBLE_EQ(rate(schedule, 25), kRate * (0.2 + 0.8 * (1 + std::numbers::sqrt2 / 2) / 2));
  EXPECT_DOUBLE_EQ(rate(schedule, 100), kRate * 0.2);
  EXPECT_DOUBLE_EQ(rate(schedule, 500), kRate * 0.2);
}

TEST(LearningRateTest, StepMultipliesAtEveryDrop) {
  auto schedule = schedule_of("step");
  schedule.every = 10;
  schedule.factor = 0.5;
  EXPECT_EQ(rate(schedule, 9), kRate);
  EXPECT_DOUBLE_EQ(rate(schedule, 10), kRate / 2);
  EXPECT_DOUBLE_EQ(rate(schedule, 39), kRate / 8);
}

TEST(LearningRateTest, WarmUpRisesInEqualStepsAndTheScheduleBeginsAfterIt) {
  for (const std::string kind : {"constant", "inverse_sqrt", "cosine", "step"}) {
    const auto schedule = schedule_of(kind, 4);
    for (std::int64_t t = 0; t < 4; ++t) EXPECT_DOUBLE_EQ(rate(schedule, t), kRate * double(t + 1) / 4) << kind;
    EXPECT_EQ(rate(schedule, 4), kRate) << kind;
  }
  EXPECT_DOUBLE_EQ(rate(schedule_of("inverse_sqrt", 4), 7), kRate / 2);
  EXPECT_DOUBLE_EQ(rate(schedule_of("cosine", 20), 60), kRate / 2);
}

TEST(LearningRateTest, TheLargestRateIsTheMaximumOverTheRun) {
  for (const std::string kind : {"constant", "inverse_sqrt", "cosine", "step"}) {
    for (const std::int64_t warmup : {0, 1, 7, 30, 200}) {
      for (const std::int64_t steps : {1, 2, 7, 8, 31, 100}) {
        auto schedule = schedule_of(kind, warmup);
        schedule.every = 3;
        double largest = 0;
        for (std::int64_t t = 0; t < steps; ++t) {
          largest = std::max(largest, learning_rate_at(schedule, kRate, t, steps));
        }
        EXPECT_EQ(largest_learning_rate(schedule, kRate, steps), largest) << kind << ' ' << warmup << ' ' << steps;
      }
    }
  }
}

TEST(LearningRateTest, OnlyCosineDependsOnTheLengthOfTheRun) {
  for (const std::string kind : {"constant", "inverse_sqrt", "cosine", "step"}) {
    const auto schedule = schedule_of(kind, 5);
    bool changes = false;
    for (std::int64_t t = 0; t < 50; ++t) {
      changes |= learning_rate_at(schedule, kRate, t, 50) != learning_rate_at(schedule, kRate, t, 80);
    }
    EXPECT_EQ(schedule.depends_on_run_length(), changes) << kind;
  }
}

}  // namespace
}  // namespace gradquake::train
