#include "gradquake/theory/convergence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fixtures.h"
#include "gradquake/core/error.h"
#include "gradquake/theory/energy.h"

namespace gradquake::theory {
namespace {

TEST(ConvergenceBoundTest, Theorem3HasTheFourTermsOf34) {
  const NonconvexBound bound = *theorem3(complete_constants(), Variant::kMeasured).bound;
  EXPECT_DOUBLE_EQ(bound.initial_gap, 6 * 3 / (0.1 * 1000));
  EXPECT_DOUBLE_EQ(bound.gradient_noise, 6 * 2 * 0.1 * 0.1);
  EXPECT_DOUBLE_EQ(bound.perturbation_energy, 6 * 2 * 0.1 * 0.2);
  EXPECT_DOUBLE_EQ(bound.perturbation_bias, 3 * 0.05);
  EXPECT_DOUBLE_EQ(bound.value, 0.18 + 0.12 + 0.24 + 0.15);
}

TEST(ConvergenceBoundTest, Theorem5HasTheFourTermsOf38) {
  Constants constants = complete_constants();
  constants.steps = 2;
  const double rho = 1 - 0.5 * 0.1 / 3;
  const PlBound bound = *theorem5(constants, Variant::kMeasured).bound;
  EXPECT_NEAR(bound.initial_gap, rho * rho * 3, 1e-12);
  EXPECT_NEAR(bound.gradient_noise, 3 * 2 * 0.1 * 0.1 / 0.5, 1e-12);
  EXPECT_NEAR(bound.perturbation_energy, 2 * 0.01 * 0.2 * (1 + rho), 1e-12);
  EXPECT_NEAR(bound.perturbation_bias, 0.05 * 0.05 * (1 + rho), 1e-12);
}

TEST(ConvergenceBoundTest, ThePrintedWeightsOf38AreRhoTimesTheCorrectedOnes) {
  Constants constants = complete_constants();
  const double rho = 1 - 0.5 * 0.1 / 3;
  const PlBound printed = *theorem5(constants, Variant::kPrinted).bound;
  const PlBound corrected = *theorem5(constants, Variant::kCorrected).bound;
  // Theorem 1 differs in the backward term too; take it out.
  EXPECT_NEAR(printed.perturbation_energy / printed.second_moment.value,
              rho * corrected.perturbation_energy / corrected.second_moment.value, 1e-12);
}

TEST(ConvergenceBoundTest, StepByStepEqualsTheClosedFormForAConstantStepSize) {
  const Constants constants = complete_constants();
  const Problem problem{.smoothness = 2, .gradient_variance = 0.1, .initial_gap = 3};
  const std::vector<StepError> steps(1000, StepError{0.1, 0.2, 0.05});
  EXPECT_NEAR(nonconvex_bound(problem, steps).bound->value, theorem3(constants, Variant::kMeasured).bound->value,
              1e-12);
  EXPECT_NEAR(pl_bound(problem, 0.5, steps).bound->value, theorem5(constants, Variant::kMeasured).bound->value, 1e-12);
}

TEST(ConvergenceBoundTest, ChangingStepSizesWeighEveryStepByItsOwn) {
  const Problem problem{.smoothness = 1, .gradient_variance = 0.5, .initial_gap = 2};
  const std::vector<StepError> steps{{0.3, 1, 0.1}, {0.1, 2, 0.4}};
  const NonconvexBound bound = *nonconvex_bound(problem, steps).bound;
  EXPECT_DOUBLE_EQ(bound.initial_gap, 6 * 2 / 0.4);
  EXPECT_NEAR(bound.gradient_noise, 6 * (0.09 + 0.01) * 0.5 / 0.4, 1e-12);
  EXPECT_NEAR(bound.perturbation_energy, 6 * (0.09 * 1 + 0.01 * 2) / 0.4, 1e-12);
  EXPECT_NEAR(bound.perturbation_bias, 3 * (0.3 * 0.1 + 0.1 * 0.4) / 0.4, 1e-12);
  const PlBound pl = *pl_bound(problem, 1, steps).bound;
  EXPECT_NEAR(pl.initial_gap, 0.9 * (1 - 0.1 / 3) * 2, 1e-12);
  EXPECT_NEAR(pl.gradient_noise, 3 * 0.3 * 0.5, 1e-12);
  EXPECT_NEAR(pl.perturbation_energy, 0.09 * 1 * (1 - 0.1 / 3) + 0.01 * 2, 1e-12);
}

TEST(ConvergenceBoundTest, BeyondOneThirdOverLThereIsNoNumberThatLooksLikeAGuarantee) {
  Constants constants = complete_constants();
  constants.step_size = 0.2;
  for (const Variant variant : kVariants) {
    const auto three = theorem3(constants, variant);
    EXPECT_FALSE(three.bound.has_value());
    EXPECT_EQ(three.reason, "condition does not hold: step size 0.2 > 1/(3 L) = 0.166667");
    EXPECT_FALSE(theorem5(constants, variant).bound.has_value());
  }
  constants.step_size = 1 / (3 * *constants.smoothness);
  EXPECT_TRUE(theorem3(constants, Variant::kMeasured).bound.has_value());
}

TEST(ConvergenceBoundTest, AbsentConstantsAreNamed) {
  Constants constants = complete_constants();
  constants.pl.reset();
  EXPECT_EQ(theorem5(constants, Variant::kSharp).reason, "pl is absent");
  EXPECT_TRUE(theorem3(constants, Variant::kSharp).bound.has_value());
  constants.smoothness.reset();
  EXPECT_EQ(theorem3(constants, Variant::kSharp).reason, "smoothness is absent");
}

TEST(ConvergenceBoundTest, AnEmptyRunAndMuAboveLAreRefused) {
  const Problem problem{.smoothness = 1, .gradient_variance = 0, .initial_gap = 1};
  EXPECT_THROW(nonconvex_bound(problem, {}), UserError);
  const std::vector<StepError> steps{{0.1, 0, 0}};
  EXPECT_THROW(pl_bound(problem, 2, steps), UserError);
  EXPECT_THROW(pl_bound(problem, 0, steps), UserError);
}

TEST(EnergyTest, TheBudgetHoldsWhilePerturbationTermsStayBelowOptimisationTerms) {
  const Condition kept = energy_condition(theorem3(complete_constants(), Variant::kMeasured), Variant::kMeasured);
  EXPECT_NEAR(*kept.value, 0.24 + 0.15, 1e-12);
  EXPECT_NEAR(*kept.threshold, 0.18 + 0.12, 1e-12);
  EXPECT_FALSE(*kept.holds);
  Constants constants = complete_constants();
  constants.step_size = 1;
  EXPECT_FALSE(*energy_condition(theorem3(constants, Variant::kMeasured), Variant::kMeasured).holds);
  constants.smoothness.reset();
  EXPECT_FALSE(energy_condition(theorem3(constants, Variant::kMeasured), Variant::kMeasured).holds.has_value());
}

}  // namespace
}  // namespace gradquake::theory
