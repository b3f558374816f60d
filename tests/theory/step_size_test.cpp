#include "gradquake/theory/step_size.h"

#include <gtest/gtest.h>

#include <limits>

#include "gradquake/core/error.h"

namespace gradquake::theory {
namespace {

TEST(StepSizeTest, BothConditionsCarryValueThresholdMarginAndTheStepOfL) {
  const std::vector<Condition> conditions = step_size_conditions(0.1, 2.0, 64);
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions[0].name, "step_size");
  EXPECT_DOUBLE_EQ(*conditions[0].value, 0.1);
  EXPECT_DOUBLE_EQ(*conditions[0].threshold, 1.0 / 6.0);
  EXPECT_DOUBLE_EQ(*conditions[0].margin, 10.0 / 6.0);
  EXPECT_TRUE(*conditions[0].holds);
  EXPECT_EQ(conditions[0].note, "L measured at step 64");
  EXPECT_EQ(conditions[1].name, "linear_stability");
  EXPECT_DOUBLE_EQ(*conditions[1].value, 0.2);
  EXPECT_DOUBLE_EQ(*conditions[1].threshold, 2.0);
  EXPECT_DOUBLE_EQ(*conditions[1].margin, 10.0);
  EXPECT_TRUE(*conditions[1].holds);
}

TEST(StepSizeTest, BetweenOneThirdAndTwoOnlyLinearStabilityHolds) {
  const std::vector<Condition> conditions = step_size_conditions(0.5, 2.0, 0);
  EXPECT_FALSE(*conditions[0].holds);
  EXPECT_TRUE(*conditions[1].holds);
}

TEST(StepSizeTest, BeyondTwoNeitherHolds) {
  const std::vector<Condition> conditions = step_size_conditions(1.5, 2.0, 0);
  EXPECT_FALSE(*conditions[0].holds);
  EXPECT_FALSE(*conditions[1].holds);
}

TEST(StepSizeTest, AFlatLossHasNoThresholdAndBothConditionsHold) {
  const std::vector<Condition> conditions = step_size_conditions(1.0, 0.0, 0);
  EXPECT_FALSE(conditions[0].threshold.has_value());
  EXPECT_FALSE(conditions[0].margin.has_value());
  EXPECT_TRUE(*conditions[0].holds);
  EXPECT_TRUE(*conditions[1].holds);
}

TEST(StepSizeTest, NegativeInfiniteAndNanConstantsAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_THROW(step_size_conditions(-0.1, 1, 0), UserError);
  EXPECT_THROW(step_size_conditions(0.1, -1, 0), UserError);
  EXPECT_THROW(step_size_conditions(nan, 1, 0), UserError);
  EXPECT_THROW(step_size_conditions(0.1, nan, 0), UserError);
  EXPECT_THROW(step_size_conditions(0.1, inf, 0), UserError);
}

TEST(StepSizeTest, ForOptimisersOfWhichTheTheoremsAreSilentTheVerdictIsNull) {
  const std::vector<Condition> conditions = not_stated(step_size_conditions(0.1, 2.0, 0), "adam");
  EXPECT_FALSE(conditions[0].holds.has_value());
  EXPECT_DOUBLE_EQ(*conditions[0].margin, 10.0 / 6.0);
  EXPECT_EQ(conditions[0].note, "not stated for adam; L measured at step 0");
}

}  // namespace
}  // namespace gradquake::theory
