// Where the printed paper is wrong: each erratum W of the list with a case in which the printed form fails, and the
// searches for violations of what could not be settled by algebra.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <string>

#include "gradquake/theory/convergence.h"
#include "gradquake/theory/error_bounds.h"
#include "gradquake/theory/occurrences.h"
#include "gradquake/theory/sharp_gains.h"
#include "gradquake/theory/uniform_coefficients.h"
#include "random_tree.h"
#include "search.h"

namespace gradquake::verification {
namespace {

using theory::UniformConstants;
using theory::Variant;

Operator scalar(Kind kind, double scale, double w, double a = 0, double b = 0) {
  return {.kind = kind, .Q = {1, 1, {scale}}, .scale = scale, .w = {w}, .a = a, .b = b};
}

// f_1 = x + w_1, f_2 = y^2/2 + w_2, f_3 = y^2/2 + w_3 with y_1 = x + w_1.
Chain counterexample(double y_1) {
  return {{y_1},
          {scalar(Kind::kAffine, 1, 0), scalar(Kind::kQuadratic, 1, 0, 1, 0), scalar(Kind::kQuadratic, 1, 0, 1, 0)}};
}

PerturbationTree quiet(int N) {
  const auto sites = static_cast<std::size_t>(N) - 1;
  return {std::vector<SiteTables>(sites), std::vector<SiteTables>(sites)};
}

TEST(TruthTest, W4WithoutTheSecondDerivativeInYTheorem2IsFalse) {
  for (const double y_1 : {0.5, 1.0, 3.0}) {
    for (const double a : {1.0, 0.1, 0.001}) {
      const Chain chain = counterexample(y_1);
      PerturbationTree tree = quiet(3);
      tree.delta[0] = fair_signs({a});
      const ExactErrors errors = exact_errors(chain, tree);
      EXPECT_NEAR(errors.bias_norms[0], 1.5 * y_1 * a * a, 1e-12 * y_1 * y_1 * y_1);

      theory::Constants constants = theory_constants(chain, tree, errors);
      // Assumption 3 as printed bounds only the mixed derivative of K_i = 1, which vanishes, and so does its Lipschitz
      // constant: C_hess = L_hess = 0.
      constants.uniform->C_hess = 0;
      constants.uniform->L_hess = 0;
      EXPECT_EQ(theory::theorem2(constants, Variant::kPrinted).bound->value, 0);
      EXPECT_EQ(theory::theorem2(constants, Variant::kCorrected).bound->value, 0);
      // With C_hess bounding the derivative of J_i as well, the corrected bound holds.
      constants.uniform->C_hess = 1;
      EXPECT_GE(theory::theorem2(constants, Variant::kCorrected).bound->value, errors.bias_squared);
    }
  }
}

// The sharp bound of ||E[u~_i - u_i]|| for one operator.
double sharp_bias_of_operator(const theory::Constants& constants, std::size_t i) {
  const theory::SharpGains gains = theory::sharp_gains(constants.per_operator);
  double bound = 0;
  for (std::size_t j = 0; j < constants.delta.size(); ++j) {
    bound += gains.delta_mean[i][j] * std::sqrt(constants.delta[j].mean_squared) +
             gains.delta_curvature[i][j] * constants.delta[j].second_moment / 2;
  }
  return bound;
}

TEST(TruthTest, W4TheSharpBoundHoldsWithTheStatedTightness) {
  for (const double y_1 : {0.5, 1.0, 3.0}) {
    for (const double a : {1.0, 0.1, 0.001}) {
      const Chain chain = counterexample(y_1);
      PerturbationTree tree = quiet(3);
      tree.delta[0] = fair_signs({a});
      const ExactErrors errors = exact_errors(chain, tree);
      // On the path y_2 = y^2/2 with |y| <= |y_1| + a, so c_2 = |y_1| + a; B_11 = 2 D D ell_2 + D D c_2 = 3 (|y_1| +
      // a).
      const double bound = 3 * (y_1 + a) * a * a / 2;
      EXPECT_NEAR(errors.bias_norms[0] / bound, y_1 / (y_1 + a), 2e-9);
      const theory::Constants constants = theory_constants(chain, tree, errors);
      const theory::BiasBound sharp = *theory::theorem2(constants, Variant::kSharp).bound;
      EXPECT_GE(sharp.value, errors.bias_squared);
      // Operator 1 alone, from the closed-form constants of the chain.
      EXPECT_NEAR(sharp_bias_of_operator(constants, 0), bound, 1e-12 * bound);
    }
  }
}

// The paper's own inequalities (15)-(18), propagated with one unit perturbation.
struct Propagated {
  double delta = 0;
  double eps = 0;
};

Propagated propagate(const UniformConstants& u, int N, int site) {
  const double C2 = u.C_grad * u.C_grad;
  const double C_v2 = std::pow(std::max(1.0, std::pow(u.C_grad, N)), 2);
  const double grad2 = u.L_grad * u.L_grad;
  std::vector<double> y(static_cast<std::size_t>(N) + 1, 0.0);  // E||y~_i - y_i||^2 for a unit delta
  for (int i = 1; i < N; ++i) {                                 // (18)
    y[static_cast<std::size_t>(i)] = 2 * u.L_f * u.L_f * y[static_cast<std::size_t>(i - 1)] + (i == site ? 2 : 0);
  }
  Propagated total;
  double v_delta = 0;  // E||v~_N - v_N||^2 = 0
  double v_eps = 0;
  for (int i = N - 1; i >= 1; --i) {  // (17), (16)
    const double input = y[static_cast<std::size_t>(i)];
    v_delta = 3 * C2 * v_delta + 3 * C_v2 * grad2 * input;
    v_eps = 3 * C2 * v_eps + (i == site ? 3 : 0);
    total.delta += 2 * C2 * v_delta + 2 * C_v2 * grad2 * input;
    total.eps += 2 * C2 * v_eps;
  }
  return total;
}

TEST(TruthTest, W7PropagatingTheProofGivesTwiceThePrintedBackwardConstant) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> positive(0.2, 2.5);
  for (const int N : {2, 3, 4, 6, 9}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      const UniformConstants u{positive(random), positive(random), positive(random), positive(random),
                               positive(random)};
      const auto printed = theory::second_moment_coefficients(u, N, Variant::kPrinted);
      const auto corrected = theory::second_moment_coefficients(u, N, Variant::kCorrected);
      for (int site = 1; site < N; ++site) {
        const Propagated proof = propagate(u, N, site);
        const auto at = static_cast<std::size_t>(site) - 1;
        EXPECT_NEAR(proof.delta / printed.delta[at], 1, 1e-12);
        EXPECT_NEAR(proof.eps / printed.eps[at], 2, 1e-12);
        EXPECT_NEAR(proof.eps / corrected.eps[at], 1, 1e-12);
      }
    }
  }
}

TEST(TruthTest, W7NoChainFoundViolatesThePrintedConstantAllTheSame) {
  const SearchResult worst = search_theorem1_printed();
  std::printf("  worst (13) measured / printed: %.4f at N = %d, C = %.3g (%d chains)\n", worst.ratio, worst.N, worst.C,
              worst.tried);
  RecordProperty("theorem1_printed_worst", std::to_string(worst.ratio));
  EXPECT_GT(worst.ratio, 0.4);  // the search does find what it looks for
  EXPECT_LE(worst.ratio, 1);
}

TEST(TruthTest, W9NoChainFoundViolatesTheCorrectedTheorem2) {
  const SearchResult worst = search_theorem2_corrected();
  std::printf("  worst (23) measured / corrected: %.4f at N = %d, C = %.3g (%d chains)\n", worst.ratio, worst.N,
              worst.C, worst.tried);
  RecordProperty("theorem2_corrected_worst", std::to_string(worst.ratio));
  EXPECT_GT(worst.ratio, 0.1);
  EXPECT_LE(worst.ratio, 1);
}

TEST(TruthTest, W11WithThePrintedForwardConstantAConditionalMeanIsFree) {
  // f_1 = x + w_1, f_2 = y^2/2 + w_2 has L_hess = 0: (33a) as printed charges nothing for a constant delta.
  const Chain chain{{1.0}, {scalar(Kind::kAffine, 1, 0), scalar(Kind::kQuadratic, 1, 0, 1, 0)}};
  PerturbationTree tree = quiet(2);
  tree.delta[0] = constant({0.25});
  const ExactErrors errors = exact_errors(chain, tree);
  const theory::Constants constants = theory_constants(chain, tree, errors);
  EXPECT_EQ(constants.uniform->L_hess, 0);
  EXPECT_DOUBLE_EQ(errors.bias_squared, 0.0625);  // u_1 = y_1, moved by delta
  EXPECT_EQ(theory::theorem2(constants, Variant::kPrinted).bound->value, 0);
  EXPECT_GE(theory::theorem2(constants, Variant::kCorrected).bound->value, errors.bias_squared);
  EXPECT_GE(theory::theorem2(constants, Variant::kSharp).bound->value, errors.bias_squared);
}

TEST(TruthTest, W12ThePrintedWeightsAreBelowTheRecursionTheyUnroll) {
  // The largest gap that (40) allows, step by step, against (38): equal with T-1-t, above it by 1/rho with T-t.
  const double L = 2, mu = 1.5, gamma = 1 / (3 * L), rho = 1 - mu * gamma / 3;
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> positive(0, 2);
  for (const int T : {1, 2, 10, 50}) {
    std::vector<theory::StepError> steps;
    double gap = 0;
    for (int t = 0; t < T; ++t) {
      const theory::StepError step{gamma, 3 + positive(random), positive(random)};
      gap = rho * gap + L * gamma * gamma * step.second_moment + gamma * step.bias_squared / 2;  // (40), sigma = 0
      steps.push_back(step);
    }
    const theory::Problem problem{.smoothness = L, .gradient_variance = 0, .initial_gap = 0};
    const double corrected = theory::pl_bound(problem, mu, steps, Variant::kCorrected).bound->value;
    const double printed = theory::pl_bound(problem, mu, steps, Variant::kPrinted).bound->value;
    EXPECT_NEAR(corrected / gap, 1, 1e-12);
    EXPECT_NEAR(gap / printed, 1 / rho, 1e-12);
    EXPECT_GT(gap, printed);
  }
}

TEST(TruthTest, W12NoRunFoundIsAboveThePrintedWeightsAllTheSame) {
  // (40) is never attained: its two inequalities, Young and (a + b)^2 <= 2 a^2 + 2 b^2, want the error along -g and +g.
  // l = L w^2/2 with errors in proportion to the gradient or constant, from any start: the slack exceeds 1/rho <= 9/8.
  double worst = 0;
  for (double a = 0.01; a <= 1.0 / 3; a += 0.01) {  // gamma L
    for (double share = -4; share <= 4; share += 0.05) {
      for (const bool proportional : {true, false}) {
        for (const int T : {1, 3, 10, 40}) {
          for (const double start : {0.0, 1.0}) {
            double w = start;
            std::vector<theory::StepError> steps;
            for (int t = 0; t < T; ++t) {
              const double error = share * (proportional ? w : 1);
              steps.push_back({a, error * error, error * error});
              w -= a * (w + error);
            }
            const theory::Problem problem{.smoothness = 1, .gradient_variance = 0, .initial_gap = start * start / 2};
            const double bound = theory::pl_bound(problem, 1, steps, Variant::kPrinted).bound->value;
            if (bound > 1e-12) {
              worst = std::max(worst, w * w / 2 / bound);
            }
          }
        }
      }
    }
  }
  std::printf("  worst gap / (38) as printed: %.4f\n", worst);
  RecordProperty("theorem5_printed_worst", std::to_string(worst));
  EXPECT_GT(worst, 0.5);
  EXPECT_LT(worst, 1);
}

TEST(TruthTest, W14TheQuotedGeometricSumIsTheInverseOfWhatIsPrinted) {
  for (const double T : {1e2, 1e4, 1e6}) {
    const double rate = std::log(T) / T;
    double sum = 0;
    double power = 1;
    for (int k = 1; k <= static_cast<int>(T); ++k) {  // k = T - t
      power *= 1 - rate;
      sum += power;
    }
    EXPECT_LE(sum, 1 / rate);
    EXPECT_GT(sum, 0.9 / rate);
    EXPECT_GT(sum / rate, 20);  // against the printed ln T/T
  }
}

TEST(TruthTest, W16ThePrintedCorollary3LosesALogarithmThatTheLineBeforeKeeps) {
  for (const std::int64_t T : {10'000LL, 1'000'000LL}) {
    const double rate = std::log(static_cast<double>(T)) / static_cast<double>(T);
    const auto printed = theory::occurrence_order(true, true, T, 1, T, Variant::kPrinted);
    const auto corrected = theory::occurrence_order(true, true, T, 1, T, Variant::kCorrected);
    EXPECT_LE(corrected.value, 3 * rate + 1e-12);
    EXPECT_GT(printed.value, 0.99 * std::log(static_cast<double>(T)) * rate);
  }
}

// A.3: w <- w - gamma A^T C(A w), with C the identity or Top-1.
double largest_after(const std::vector<double>& A, double gamma, double w1, double w2, bool top1, int steps) {
  for (int t = 0; t < steps && std::hypot(w1, w2) < 1e100; ++t) {
    double y1 = A[0] * w1 + A[1] * w2;
    double y2 = A[2] * w1 + A[3] * w2;
    if (top1) {
      (std::abs(y1) >= std::abs(y2) ? y2 : y1) = 0;
    }
    w1 -= gamma * (A[0] * y1 + A[2] * y2);
    w2 -= gamma * (A[1] * y1 + A[3] * y2);
  }
  return std::hypot(w1, w2);
}

TEST(TruthTest, W20TheTop1ExampleFailsByItsStepSizeAndNotByTop1) {
  const std::vector<double> A{-15, 13, -5, 9};
  // The paper's step size 0.1 is 24 times the stability limit 2/490.
  EXPECT_EQ(largest_after(A, 0.1, 1, 1, false, 100), 0);           // (1, 1) is an eigenvector with gamma * 10 = 1
  EXPECT_GT(largest_after(A, 0.1, 1, 1.000001, false, 100), 1e9);  // beside it the uncompressed run diverges too
  EXPECT_GT(largest_after(A, 0.1, 1, 1, true, 100), 1e9);
  // Printed claim: every Top-1 case fails to converge.
  for (const double gamma : {0.004, 0.003, 0.002, 0.001}) {
    EXPECT_LT(largest_after(A, gamma, 1, 1, true, 20'000), 1e-6) << gamma;
  }
}

}  // namespace
}  // namespace gradquake::verification
