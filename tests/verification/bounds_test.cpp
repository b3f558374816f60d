// Property tests: Theorems 1 and 2 on thousands of random chains with exact expectations.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>

#include "gradquake/theory/error_bounds.h"
#include "gradquake/theory/sharp_gains.h"
#include "random_tree.h"
#include "tightness.h"

namespace gradquake::verification {
namespace {

using theory::Variant;

constexpr double kRounding = 1 + 1e-9;

struct Case {
  Chain chain;
  PerturbationTree tree;
  ExactErrors errors;
  theory::Constants constants;
};

Case random_case(std::mt19937_64& random) {
  Case one;
  one.chain = random_chain(std::uniform_int_distribution<int>(2, 8)(random), 3, random);
  one.tree = random_tree(one.chain, 4, 1e-3, 2, random);
  one.errors = exact_errors(one.chain, one.tree);
  one.constants = theory_constants(one.chain, one.tree, one.errors);
  return one;
}

// Rounding in u~ - u, and in sums of many of them, against a bound that may be zero.
double rounding(const Case& one) {
  double size = 0;
  for (const Vector& u : clean_pass(one.chain).u) {
    size += norm(u);
  }
  return 1e-28 * (1 + size * size);
}

TEST(BoundsTest, CorrectedAndSharpTheorem1AreNeverViolatedOnRandomChains) {
  std::mt19937_64 random(1);
  Tightness printed("theorem 1 printed"), corrected("theorem 1 corrected"), sharp("theorem 1 sharp");
  for (int n = 0; n < 4000; ++n) {
    const Case one = random_case(random);
    const double measured = std::max(0.0, one.errors.second_moment - rounding(one));
    const auto bound = [&](Variant variant) { return theory::theorem1(one.constants, variant).bound->value; };
    printed.add(measured, bound(Variant::kPrinted));
    corrected.add(measured, bound(Variant::kCorrected));
    sharp.add(measured, bound(Variant::kSharp));
  }
  for (const Tightness* one : {&printed, &corrected, &sharp}) {
    one->report();
  }
  EXPECT_LE(corrected.largest(), kRounding);
  EXPECT_LE(sharp.largest(), kRounding);
  EXPECT_GT(sharp.quantile(0.5), corrected.quantile(0.5));
}

TEST(BoundsTest, SharpTheorem2IsNeverViolatedOnRandomChains) {
  std::mt19937_64 random(2);
  Tightness printed("theorem 2 printed"), corrected("theorem 2 corrected"), sharp("theorem 2 sharp");
  for (int n = 0; n < 4000; ++n) {
    const Case one = random_case(random);
    const double measured = std::max(0.0, one.errors.bias_squared - rounding(one));
    const auto bound = [&](Variant variant) { return theory::theorem2(one.constants, variant).bound->value; };
    printed.add(measured, bound(Variant::kPrinted));
    corrected.add(measured, bound(Variant::kCorrected));
    sharp.add(measured, bound(Variant::kSharp));
  }
  for (const Tightness* one : {&printed, &corrected, &sharp}) {
    one->report();
  }
  EXPECT_LE(sharp.largest(), kRounding);
  EXPECT_LE(corrected.largest(), kRounding);
}

TEST(BoundsTest, TheSharpRecursionHoldsForEveryOperatorByItself) {
  std::mt19937_64 random(3);
  Tightness rms("rms(u~_i - u_i) sharp"), bias("|E[u~_i - u_i]| sharp");
  for (int n = 0; n < 2000; ++n) {
    const Case one = random_case(random);
    const theory::SharpGains gains = theory::sharp_gains(one.constants.per_operator);
    for (std::size_t i = 0; i < one.chain.operators.size(); ++i) {
      double rms_bound = 0;
      double bias_bound = 0;
      for (std::size_t j = 0; j + 1 < one.chain.operators.size(); ++j) {
        const theory::ForwardMoments& delta = one.constants.delta[j];
        const theory::BackwardMoments& eps = one.constants.eps[j];
        rms_bound +=
            gains.delta_rms[i][j] * std::sqrt(delta.second_moment) + gains.eps_rms[i][j] * std::sqrt(eps.second_moment);
        bias_bound += gains.delta_mean[i][j] * std::sqrt(delta.mean_squared) +
                      gains.delta_curvature[i][j] * delta.second_moment / 2 +
                      gains.eps_rms[i][j] * std::sqrt(eps.mean_squared);
      }
      const double noise = std::sqrt(rounding(one));
      rms.add(std::max(0.0, one.errors.rms[i] - noise), rms_bound);
      bias.add(std::max(0.0, one.errors.bias_norms[i] - noise), bias_bound);
    }
  }
  rms.report();
  bias.report();
  EXPECT_LE(rms.largest(), kRounding);
  EXPECT_LE(bias.largest(), kRounding);
}

TEST(BoundsTest, PerturbationsOutsideTheirConstantsAreCaught) {
  // The test can fail: with every constant halved the sharp bound is violated often.
  std::mt19937_64 random(4);
  int violated = 0;
  for (int n = 0; n < 500; ++n) {
    Case one = random_case(random);
    for (theory::OperatorConstants& constants : one.constants.per_operator) {
      constants.c /= 2;
      constants.k /= 2;
      constants.ell /= 2;
      constants.D /= 2;
    }
    violated += one.errors.second_moment > theory::theorem1(one.constants, Variant::kSharp).bound->value ? 1 : 0;
  }
  EXPECT_GT(violated, 50);
}

}  // namespace
}  // namespace gradquake::verification
