#include "gradquake/train/learning_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gradquake::train {
namespace {

constexpr double kRate = 0.3;
constexpr std::int64_t kSteps = 100;

KindSpec schedule_of(const std::string& kind, std::int64_t warmup = 0) { return {kind, {{"warmup", warmup}}}; }

double rate(const KindSpec& schedule, std::int64_t step) { return LearningRate(schedule).at(kRate, step, kSteps); }

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
  const KindSpec schedule{"cosine", {{"final", 0.2}}};
  EXPECT_DOUBLE_EQ(rate(schedule, 0), kRate);
  EXPECT_DOUBLE_EQ(rate(schedule, 50), kRate * 0.6);
  EXPECT_DOUBLE_EQ(rate(schedule, 25), kRate * (0.2 + 0.8 * (1 + std::numbers::sqrt2 / 2) / 2));
  EXPECT_DOUBLE_EQ(rate(schedule, 100), kRate * 0.2);
  EXPECT_DOUBLE_EQ(rate(schedule, 500), kRate * 0.2);
}

TEST(LearningRateTest, StepMultipliesAtEveryDrop) {
  const KindSpec schedule{"step", {{"every", 10}, {"factor", 0.5}}};
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
        KindSpec spec = schedule_of(kind, warmup);
        if (kind == "step") spec.set("every", 3);
        const LearningRate schedule(spec);
        double largest = 0;
        for (std::int64_t t = 0; t < steps; ++t) {
          largest = std::max(largest, schedule.at(kRate, t, steps));
        }
        EXPECT_EQ(schedule.largest(kRate, steps), largest) << kind << ' ' << warmup << ' ' << steps;
      }
    }
  }
}

// Rises all the way: not what any built-in schedule does.
class Rising : public LearningRateSchedule {
 public:
  double rate(double learning_rate, std::int64_t k, std::int64_t) const override {
    return learning_rate * static_cast<double>(k + 1);
  }
};

TEST(LearningRateTest, TheLargestRateOfAUsersScheduleIsLookedForAtEveryStep) {
  learning_rate_schedules().add({"rising", "lr * (k + 1)"}, [](const KindSpec&) { return std::make_unique<Rising>(); });
  EXPECT_EQ(LearningRate("rising").largest(kRate, 50), kRate * 50);
}

TEST(LearningRateTest, OnlyCosineDependsOnTheLengthOfTheRun) {
  for (const std::string kind : {"constant", "inverse_sqrt", "cosine", "step"}) {
    const LearningRate schedule(schedule_of(kind, 5));
    bool changes = false;
    for (std::int64_t t = 0; t < 50; ++t) {
      changes |= schedule.at(kRate, t, 50) != schedule.at(kRate, t, 80);
    }
    EXPECT_EQ(learning_rate_schedules().length_dependence(schedule.spec()).has_value(), changes) << kind;
  }
}

}  // namespace
}  // namespace gradquake::train
