#include "gradquake/theory/error_bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fixtures.h"
#include "gradquake/core/error.h"
#include "gradquake/theory/sharp_gains.h"
#include "gradquake/theory/uniform_coefficients.h"

namespace gradquake::theory {
namespace {

double sum(const std::vector<SiteTerm>& terms) {
  double total = 0;
  for (const SiteTerm& one : terms) {
    total += one.value;
  }
  return total;
}

TEST(UniformCoefficientsTest, ForTwoOperatorsTheyAreTheHandComputedOnes) {
  // C = 2, so C_v = 4, S_0 = 1, S_1 = 13.
  const UniformConstants u{.C_grad = 2, .C_hess = 3, .L_f = 5, .L_grad = 7, .L_hess = 11};
  const auto printed = second_moment_coefficients(u, 2, Variant::kPrinted);
  EXPECT_DOUBLE_EQ(printed.delta[0], 4 * 16 * 49 * 13.0);
  EXPECT_DOUBLE_EQ(printed.eps[0], 12);
  EXPECT_DOUBLE_EQ(second_moment_coefficients(u, 2, Variant::kCorrected).eps[0], 24);
  const auto bias = bias_coefficients(u, 2, Variant::kPrinted);
  EXPECT_DOUBLE_EQ(bias.delta_mean[0], 8 * 121 * 16 * 13.0);
  EXPECT_DOUBLE_EQ(bias.delta_fourth[0], 8 * (2 * 121 * 16 * 13.0));
  EXPECT_DOUBLE_EQ(bias.eps_mean[0], 24);
  EXPECT_DOUBLE_EQ(bias_coefficients(u, 2, Variant::kCorrected).delta_mean[0], 8 * 9 * 16 * 13.0);
}

TEST(UniformCoefficientsTest, ForThreeOperatorsTheSumsRunOverLaterSites) {
  // C = 1: C_v = 1, S_j = 1, 4, 13.
  const UniformConstants u{.C_grad = 1, .C_hess = 2, .L_f = 1, .L_grad = 3, .L_hess = 5};
  const auto second = second_moment_coefficients(u, 3, Variant::kCorrected);
  EXPECT_DOUBLE_EQ(second.delta[0], 4 * 9 * (4 + 13 * 2.0));
  EXPECT_DOUBLE_EQ(second.delta[1], 4 * 9 * 13.0);
  EXPECT_DOUBLE_EQ(second.eps[0], 2 * 3.0);
  EXPECT_DOUBLE_EQ(second.eps[1], 2 * (3 + 9.0));
  const auto bias = bias_coefficients(u, 3, Variant::kCorrected);
  const double C_y1 = 8 * 4 * 9 * 13 + 2 * 25 * 4.0;
  const double C_y2 = 2 * 25 * 13.0;
  EXPECT_DOUBLE_EQ(bias.delta_mean[0], 8 * 4 * (4 + 13 * 4.0));
  EXPECT_DOUBLE_EQ(bias.delta_fourth[0], 8 * (C_y1 + 8 * C_y2));
  EXPECT_DOUBLE_EQ(bias.delta_fourth[1], 8 * C_y2);
}

TEST(SharpGainsTest, ForTwoOperatorsTheyAreTheHandComputedOnes) {
  const SharpGains gains = sharp_gains({{.c = 2, .k = 3, .ell = 5, .nu = 7, .D = 11, .E = 13},
                                        {.c = 17, .k = 19, .ell = 23, .nu = 1, .D = 29, .E = 31}});
  EXPECT_DOUBLE_EQ(gains.delta_rms[0][0], 3 * 29.0);  // k_1 D_2 nu_2
  EXPECT_DOUBLE_EQ(gains.delta_rms[1][0], 29.0);      // D_2 nu_2
  EXPECT_DOUBLE_EQ(gains.eps_rms[0][0], 3);           // k_1
  EXPECT_DOUBLE_EQ(gains.eps_rms[1][0], 0);
  EXPECT_DOUBLE_EQ(gains.delta_mean[0][0], 3 * 29.0);  // D_2 k_1
  EXPECT_DOUBLE_EQ(gains.delta_mean[1][0], 29.0);
  EXPECT_DOUBLE_EQ(gains.delta_curvature[0][0], 3 * 31.0);  // E_2 k_1
  EXPECT_DOUBLE_EQ(gains.delta_curvature[1][0], 31.0);
}

TEST(SharpGainsTest, ForThreeOperatorsTheFirstSiteMeetsBothLaterFactors) {
  const double k1 = 3, c2 = 17, l2 = 23, D2 = 29, E2 = 31, D3 = 43, E3 = 47, c3 = 37;
  const SharpGains gains = sharp_gains({{.c = 2, .k = k1, .ell = 5, .nu = 7, .D = 11, .E = 13},
                                        {.c = c2, .k = 19, .ell = l2, .nu = 1.5, .D = D2, .E = E2},
                                        {.c = c3, .k = 41, .ell = 5, .nu = 1, .D = D3, .E = E3}});
  EXPECT_DOUBLE_EQ(gains.eps_rms[0][1], k1 * c2);  // P_13 = k_1 c_2
  EXPECT_DOUBLE_EQ(gains.delta_mean[0][0], D2 * k1 * c3 + D3 * l2 * k1 * c2);
  EXPECT_DOUBLE_EQ(gains.delta_curvature[0][0],
                   2 * D2 * D3 * l2 * k1 + E2 * k1 * c3 + (E3 * l2 * l2 + D3 * D2) * k1 * c2);
  EXPECT_DOUBLE_EQ(gains.delta_curvature[0][1], E3 * k1 * c2);
  EXPECT_DOUBLE_EQ(gains.delta_rms[0][0], k1 * (c2 * D3 * l2 + D2 * 1.5));
}

TEST(ErrorBoundsTest, EveryValueIsTheSumOfItsTermsAndTheInteraction) {
  const Constants constants = complete_constants();
  for (const Variant variant : {Variant::kPrinted, Variant::kCorrected, Variant::kSharp}) {
    const SecondMomentBound one = *theorem1(constants, variant).bound;
    EXPECT_NEAR(one.value, sum(one.delta) + sum(one.eps) + one.interaction, 1e-12 * one.value);
    const BiasBound two = *theorem2(constants, variant).bound;
    EXPECT_NEAR(two.value, sum(two.delta_mean) + sum(two.delta_spread) + sum(two.eps_mean) + two.interaction,
                1e-12 * two.value);
    EXPECT_EQ(one.delta[1].index, 2);
    EXPECT_EQ(one.eps[0].index, 2);
  }
}

TEST(ErrorBoundsTest, TheSharpBoundIsBelowTheCorrectedOneOfTheImpliedUniformConstants) {
  Constants constants = complete_constants();
  constants.uniform = uniform_from(constants.per_operator);
  EXPECT_LT(theorem1(constants, Variant::kSharp).bound->value, theorem1(constants, Variant::kCorrected).bound->value);
  EXPECT_LT(theorem2(constants, Variant::kSharp).bound->value, theorem2(constants, Variant::kCorrected).bound->value);
}

TEST(ErrorBoundsTest, FiringHalfTheTimeHalvesASingleSite) {
  for (const Variant variant : {Variant::kCorrected, Variant::kSharp}) {
    Constants constants = complete_constants();
    constants.delta[1] = {};
    constants.eps.clear();
    const double every = theorem1(constants, variant).bound->value;
    const double every_bias = theorem2(constants, variant).bound->value;
    constants.delta[0].frequency = 0.5;
    EXPECT_NEAR(theorem1(constants, variant).bound->value, every / 2, 1e-12 * every);
    EXPECT_NEAR(theorem2(constants, variant).bound->value, every_bias / 2, 1e-12 * every_bias);
  }
}

TEST(ErrorBoundsTest, WithoutPerturbationsEveryBoundIsZero) {
  Constants constants = complete_constants();
  constants.delta.clear();
  constants.eps.clear();
  for (const Variant variant : {Variant::kPrinted, Variant::kCorrected, Variant::kSharp}) {
    EXPECT_EQ(theorem1(constants, variant).bound->value, 0);
    EXPECT_EQ(theorem2(constants, variant).bound->value, 0);
  }
}

TEST(ErrorBoundsTest, AVariantWithoutItsConstantsSaysSo) {
  Constants constants = complete_constants();
  constants.uniform.reset();
  constants.per_operator.clear();
  constants.measured.reset();
  EXPECT_EQ(theorem1(constants, Variant::kPrinted).reason, "uniform constants are absent");
  EXPECT_EQ(theorem2(constants, Variant::kSharp).reason, "per_operator constants are absent");
  EXPECT_EQ(theorem1(constants, Variant::kMeasured).reason, "no gradient error was measured");
  for (const Variant variant : kVariants) {
    EXPECT_FALSE(theorem1(constants, variant).bound.has_value());
  }
}

TEST(ErrorBoundsTest, AnOverflowIsNoBound) {
  Constants constants = complete_constants();
  constants.uniform->C_grad = 1e200;
  EXPECT_FALSE(theorem1(constants, Variant::kCorrected).bound.has_value());
  EXPECT_EQ(theorem1(constants, Variant::kCorrected).reason, "the bound exceeds the range of double");
}

TEST(ConstantsTest, BadConstantsAreRefusedByName) {
  const auto message = [](auto&& spoil) -> std::string {
    Constants constants = complete_constants();
    spoil(constants);
    try {
      validate(constants);
    } catch (const UserError& error) {
      return error.what();
    }
    return "accepted";
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message([](Constants&) {}), "accepted");
  EXPECT_EQ(message([](Constants& c) { c.operators = 1; }),
            "[theory] expected operators >= 2 (a site lies between two operators), got 1");
  EXPECT_EQ(message([](Constants& c) { c.pl = 3; }), "[theory] expected pl (mu) <= smoothness (L) = 2, got 3");
  EXPECT_EQ(message([](Constants& c) { c.steps = 0; }), "[theory] expected steps >= 1, got 0");
  EXPECT_NE(message([&](Constants& c) { c.smoothness = nan; }).find("smoothness"), std::string::npos);
  EXPECT_NE(message([&](Constants& c) { c.uniform->C_grad = nan; }).find("uniform.C_grad"), std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.per_operator[1].D = -1; }).find("per_operator[1] (index 2).D"),
            std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.per_operator.pop_back(); }).find("3 entries in per_operator"),
            std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.delta.pop_back(); }).find("2 entries in delta"), std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.delta[0].fourth_moment = 0; }).find("fourth_moment >= second_moment^2"),
            std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.eps[0].mean_squared = 1; }).find("mean_squared <= second_moment"),
            std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.eps[0].frequency = 2; }).find("frequency in [0, 1]"), std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.step_size = 0; }).find("step_size"), std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.gradient_variance = -1; }).find("gradient_variance"), std::string::npos);
  EXPECT_NE(message([](Constants& c) { c.initial_gap = -1; }).find("initial_gap"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::theory
