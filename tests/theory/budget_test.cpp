#include "gradquake/theory/budget.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fixtures.h"
#include "gradquake/core/error.h"
#include "gradquake/theory/convergence.h"

namespace gradquake::theory {
namespace {

// The perturbation terms over the optimisation terms with one site alone.
double forward_load(Constants constants, int j, double magnitude, double frequency, Variant variant,
                    Guarantee guarantee) {
  constants.eps.clear();
  ForwardMoments& moments = constants.delta[static_cast<std::size_t>(j) - 1];
  const double scale = magnitude * magnitude / moments.second_moment;
  const ForwardMoments scaled{moments.second_moment * scale, moments.mean_squared * scale,
                              moments.fourth_moment * scale * scale, frequency};
  constants.delta.assign(constants.delta.size(), ForwardMoments{});
  constants.delta[static_cast<std::size_t>(j) - 1] = scaled;
  if (guarantee == Guarantee::kNonconvex) {
    const NonconvexBound bound = *theorem3(constants, variant).bound;
    return (bound.perturbation_energy + bound.perturbation_bias) / (bound.initial_gap + bound.gradient_noise);
  }
  const PlBound bound = *theorem5(constants, variant).bound;
  return (bound.perturbation_energy + bound.perturbation_bias) / (bound.initial_gap + bound.gradient_noise);
}

TEST(BudgetTest, AtTheLargestMagnitudeTheTermsAreEqual) {
  const Constants constants = complete_constants();
  for (const Variant variant : {Variant::kPrinted, Variant::kCorrected, Variant::kSharp}) {
    for (const Guarantee guarantee : {Guarantee::kNonconvex, Guarantee::kPl}) {
      for (const double frequency : {1.0, 0.01}) {
        const auto budgets = magnitude_budgets(constants, variant, guarantee, frequency);
        ASSERT_EQ(budgets.size(), 4U);
        for (const int j : {1, 2}) {
          const Budget& budget = budgets[static_cast<std::size_t>(j) - 1];
          EXPECT_EQ(budget.direction, "forward");
          EXPECT_EQ(budget.index, j);
          EXPECT_NEAR(forward_load(constants, j, *budget.value, frequency, variant, guarantee), 1, 1e-9);
        }
      }
    }
  }
}

TEST(BudgetTest, ABackwardMagnitudeHasItsClosedForm) {
  Constants constants = complete_constants();
  constants.eps[1].mean_squared = 0;
  // (34): 6 L gamma C s^2 = 6 Delta_0/(gamma T) + 6 L gamma sigma^2 with C = 2 (3 C^2 + (3 C^2)^2).
  const double C2 = 3 * 1.5 * 1.5;
  const double C = 2 * (C2 + C2 * C2);
  const auto budgets = magnitude_budgets(constants, Variant::kCorrected, Guarantee::kNonconvex, 1);
  EXPECT_EQ(budgets[3].direction, "backward");
  EXPECT_EQ(budgets[3].index, 3);
  EXPECT_NEAR(*budgets[3].value, std::sqrt(0.3 / (1.2 * C)), 1e-12);
}

TEST(BudgetTest, TheRarerAPerturbationTheLargerItMayBe) {
  const Constants constants = complete_constants();
  const auto often = magnitude_budgets(constants, Variant::kSharp, Guarantee::kNonconvex, 1);
  const auto rarely = magnitude_budgets(constants, Variant::kSharp, Guarantee::kNonconvex, 0.001);
  for (std::size_t n = 0; n < often.size(); ++n) {
    EXPECT_GT(*rarely[n].value, *often[n].value);
  }
}

TEST(BudgetTest, OneOccurrenceMoreThanAllowedIsTooMuch) {
  Constants constants = complete_constants();
  constants.delta[0] = {.second_moment = 1, .mean_squared = 0.5, .fourth_moment = 2};
  const auto budgets = occurrence_budgets(constants, Variant::kCorrected, Guarantee::kNonconvex);
  const double Q = *budgets[0].value;
  ASSERT_GE(Q, 0);
  ASSERT_LT(Q, 1000);
  EXPECT_LE(forward_load(constants, 1, 1, Q / 1000, Variant::kCorrected, Guarantee::kNonconvex), 1 + 1e-9);
  EXPECT_GT(forward_load(constants, 1, 1, (Q + 1) / 1000, Variant::kCorrected, Guarantee::kNonconvex), 1);
}

TEST(BudgetTest, UnderPlTheOccurrencesAreCountedAtTheEndOfTheRun) {
  Constants constants = complete_constants();
  constants.gradient_variance = 0;
  constants.delta.clear();
  constants.eps = {{.second_moment = 1e-4, .mean_squared = 0}, {}};
  const auto budgets = occurrence_budgets(constants, Variant::kSharp, Guarantee::kPl);
  const auto Q = static_cast<int>(*budgets[2].value);
  const double rho = 1 - 0.5 * 0.1 / 3;
  const double optimization = std::pow(rho, 1000) * 3;
  const double jump = 2 * 0.01 * 1e-4;  // k_1 = 1
  double sum = 0;
  for (int q = 0; q < Q; ++q) {
    sum += jump * std::pow(rho, q);
  }
  EXPECT_LE(sum, optimization * (1 + 1e-9));
  EXPECT_GT(sum + jump * std::pow(rho, Q), optimization);
}

TEST(BudgetTest, AHarmlessPerturbationMayOccurAtEveryStep) {
  Constants constants = complete_constants();
  constants.eps[0] = {.second_moment = 1e-9, .mean_squared = 0};
  const auto budgets = occurrence_budgets(constants, Variant::kSharp, Guarantee::kNonconvex);
  EXPECT_EQ(*budgets[2].value, 1000);
  EXPECT_EQ(budgets[2].reason, "every step");
}

TEST(BudgetTest, UpToTheLargestStepSizeTheTermsStayBelow) {
  Constants constants = complete_constants();
  for (const Guarantee guarantee : {Guarantee::kNonconvex, Guarantee::kPl}) {
    const Budget both = step_size_budgets(constants, Variant::kMeasured, guarantee).back();
    ASSERT_TRUE(both.value.has_value()) << both.reason;
    EXPECT_EQ(both.direction, "both");
    ASSERT_LT(*both.value, 1.0 / 6);
    const auto load = [&](double gamma) {
      constants.step_size = gamma;
      if (guarantee == Guarantee::kNonconvex) {
        const NonconvexBound bound = *theorem3(constants, Variant::kMeasured).bound;
        return (bound.perturbation_energy + bound.perturbation_bias) / (bound.initial_gap + bound.gradient_noise);
      }
      const PlBound bound = *theorem5(constants, Variant::kMeasured).bound;
      return (bound.perturbation_energy + bound.perturbation_bias) / (bound.initial_gap + bound.gradient_noise);
    };
    EXPECT_NEAR(load(*both.value), 1, 1e-9);
    EXPECT_LT(load(*both.value / 2), 1);
  }
}

TEST(BudgetTest, WithoutPerturbationsTheStepSizeIsLimitedByOneThirdOverL) {
  Constants constants = complete_constants();
  constants.measured = MeasuredError{};
  const Budget both = step_size_budgets(constants, Variant::kMeasured, Guarantee::kNonconvex).back();
  EXPECT_DOUBLE_EQ(*both.value, 1.0 / 6);
  EXPECT_EQ(both.reason, "limited by 1/(3 L)");
}

TEST(BudgetTest, ABudgetThatCannotBeGivenSaysWhy) {
  Constants constants = complete_constants();
  EXPECT_THROW(magnitude_budgets(constants, Variant::kSharp, Guarantee::kNonconvex, 0), UserError);
  EXPECT_FALSE(magnitude_budgets(constants, Variant::kMeasured, Guarantee::kNonconvex, 1)[0].value.has_value());
  constants.pl.reset();
  EXPECT_EQ(magnitude_budgets(constants, Variant::kSharp, Guarantee::kPl, 1)[0].reason, "pl is absent");
  constants.step_size = 1;
  EXPECT_TRUE(occurrence_budgets(constants, Variant::kSharp, Guarantee::kNonconvex)[0].reason.starts_with(
      "condition does not hold"));
}

}  // namespace
}  // namespace gradquake::theory
