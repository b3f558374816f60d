#include "gradquake/theory/run_conditions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gradquake/core/error.h"

namespace gradquake::theory {
namespace {

RunMeasurements complete_run() {
  RunMeasurements run;
  run.gamma_max = 0.1;
  run.steps = 100;
  run.smoothness = 2;
  run.step_of_L = 64;
  run.gradient_variance = 0.1;
  run.initial_gap = 3;
  run.pl = 0.5;
  run.errors.assign(100, StepError{0.1, 0.01, 0.01});
  run.sizes = {.delta_rms = 0.1, .delta_mean = 0, .eps_rms = 0.2, .eps_mean = 0};
  run.Q_delta = 4;
  run.Q_eps = 20;
  return run;
}

const Condition& row(const std::vector<Condition>& rows, const std::string& name, const std::string& equation) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Condition& one) {
    return one.name == name && one.equation.find(equation) != std::string::npos;
  });
  EXPECT_NE(found, rows.end()) << name << equation;
  return *found;
}

TEST(RunConditionsTest, ARunIsHeldAgainstEveryCondition) {
  const auto rows = run_conditions(complete_run());
  EXPECT_TRUE(*row(rows, "step_size", "Theorems").holds);
  EXPECT_TRUE(*row(rows, "linear_stability", "gamma L").holds);
  EXPECT_TRUE(row(rows, "energy_budget", "(34)").holds.has_value());
  EXPECT_NEAR(*row(rows, "energy_budget", "(34)").value, 6 * 2 * 0.1 * 0.01 + 3 * 0.01, 1e-12);
  EXPECT_NEAR(*row(rows, "energy_budget", "(34)").threshold, 6 * 3 / (0.1 * 100) + 6 * 2 * 0.1 * 0.1, 1e-12);
  EXPECT_TRUE(row(rows, "energy_budget", "(38)").value.has_value());
  EXPECT_FALSE(row(rows, "rms(eps)", "(43)").holds.has_value());
  EXPECT_EQ(*row(rows, "Q_delta", "Corollary 2").value, 4);
  EXPECT_DOUBLE_EQ(*row(rows, "Q_eps", "Corollary 3").threshold, 100);
}

TEST(RunConditionsTest, WithoutConstantsTheRowsStayAndSayWhatIsAbsent) {
  RunMeasurements run = complete_run();
  run.smoothness.reset();
  const auto rows = run_conditions(run);
  EXPECT_FALSE(row(rows, "step_size", "Theorems").holds.has_value());
  EXPECT_EQ(row(rows, "energy_budget", "(34)").note, "smoothness is absent");
  EXPECT_EQ(rows.size(), run_conditions(complete_run()).size());
}

TEST(RunConditionsTest, ForMomentumNothingIsDecided) {
  RunMeasurements run = complete_run();
  run.not_stated_for = "momentum";
  for (const Condition& one : run_conditions(run)) {
    EXPECT_FALSE(one.holds.has_value());
    EXPECT_TRUE(one.note.starts_with("not stated for momentum"));
  }
}

TEST(RunConditionsTest, BeyondOneThirdOverLTheEnergyBudgetDoesNotHoldEither) {
  RunMeasurements run = complete_run();
  run.gamma_max = 1;
  run.errors.assign(100, StepError{1, 0, 0});
  const auto rows = run_conditions(run);
  EXPECT_FALSE(*row(rows, "step_size", "Theorems").holds);
  EXPECT_FALSE(*row(rows, "energy_budget", "(34)").holds);
  EXPECT_FALSE(row(rows, "energy_budget", "(34)").value.has_value());
}

TEST(RunConditionsTest, ASweepDecidesOnlyWhereItsIntervalDoes) {
  const Exponent fit{.value = 0.72, .standard_error = 0.02, .low = 0.66, .high = 0.78};
  EXPECT_TRUE(*sweep_condition("Q_delta", "Table 1", fit, 0.5, true).holds);
  EXPECT_FALSE(*sweep_condition("Q_delta", "Table 1", fit, 1, true).holds);
  EXPECT_FALSE(sweep_condition("Q_delta", "Table 1", fit, 0.75, true).holds.has_value());
  EXPECT_FALSE(*sweep_condition("rms(delta)", "(43)", fit, -0.125, false).holds);
  EXPECT_TRUE(*sweep_condition("rms(delta)", "(43)", fit, 1, false).holds);
}

TEST(RunConditionsTest, ARunOfNoStepsIsRefused) {
  RunMeasurements run = complete_run();
  run.steps = 0;
  EXPECT_THROW(run_conditions(run), UserError);
}

}  // namespace
}  // namespace gradquake::theory
