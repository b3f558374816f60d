// Scaling laws of the gradient error: what the theory predicts and a measurement could refute.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>

#include "gradquake/theory/exponents.h"
#include "random_tree.h"

namespace gradquake::verification {
namespace {

struct Interval {
  double mean = 0;
  double half_width = 0;  // 95 %, Student's t
};

Interval interval(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double one : values) {
    mean += one / n;
  }
  double variance = 0;
  for (const double one : values) {
    variance += (one - mean) * (one - mean) / (n - 1);
  }
  return {mean, theory::student_quantile(static_cast<int>(values.size()) - 1) * std::sqrt(variance / n)};
}

PerturbationTree quiet(int N) {
  const auto sites = static_cast<std::size_t>(N) - 1;
  return {std::vector<SiteTables>(sites), std::vector<SiteTables>(sites)};
}

// A chain of smooth operators, none of them linear, so that a forward bias exists.
Chain smooth_chain(int N, std::mt19937_64& random) {
  for (;;) {
    Chain chain = random_chain(N, 3, random);
    bool curved = true;
    for (const Operator& one : chain.operators) {
      curved = curved && one.kind != Kind::kAffine && one.kind != Kind::kLinear;
    }
    if (curved) {
      return chain;
    }
  }
}

Vector gaussian(std::size_t size, double scale, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  Vector x(size);
  for (double& one : x) {
    one = scale * normal(random);
  }
  return x;
}

// W_i = c Q_i with orthogonal Q_i, x of the given size: the chain of the closed forms.
Chain orthogonal_chain(int N, double c, std::mt19937_64& random) {
  constexpr std::size_t kDimension = 4;
  Chain chain;
  chain.input = gaussian(kDimension, 0.8, random);
  for (int i = 1; i <= N; ++i) {
    Operator one;
    one.kind = Kind::kLinear;
    one.scale = c;
    one.Q = scaled_orthonormal(i == N ? 1 : kDimension, kDimension, c, random);
    chain.operators.push_back(one);
  }
  return chain;
}

// Amplification E||u~ - u||^2 / E||delta_j||^2 of one site alone, averaged over the axes: an isotropic perturbation.
double forward_amplification(const Chain& chain, int j, double size) {
  const auto at = static_cast<std::size_t>(j) - 1;
  const std::size_t dimension = chain.operators[at].Q.rows;
  double mean = 0;
  for (std::size_t axis = 0; axis < dimension; ++axis) {
    PerturbationTree tree = quiet(static_cast<int>(chain.operators.size()));
    Vector direction(dimension, 0.0);
    direction[axis] = size;
    tree.delta[at] = fair_signs(direction);
    mean += exact_errors(chain, tree).second_moment / (size * size * static_cast<double>(dimension));
  }
  return mean;
}

double backward_amplification(const Chain& chain, int k, double size) {
  const auto at = static_cast<std::size_t>(k) - 2;
  const std::size_t dimension = chain.operators[at].Q.rows;
  double mean = 0;
  for (std::size_t axis = 0; axis < dimension; ++axis) {
    PerturbationTree tree = quiet(static_cast<int>(chain.operators.size()));
    Vector direction(dimension, 0.0);
    direction[axis] = size;
    tree.eps[at] = fair_signs(direction);
    mean += exact_errors(chain, tree).second_moment / (size * size * static_cast<double>(dimension));
  }
  return mean;
}

TEST(ScalingTest, ZeroMeanBackwardPerturbationsGiveNoBiasAtAnySize) {
  std::mt19937_64 random(21);
  for (int n = 0; n < 200; ++n) {
    const int N = std::uniform_int_distribution<int>(2, 6)(random);
    const Chain chain = random_chain(N, 3, random);
    for (const double size : {1e-2, 1.0, 1e2, 1e4}) {
      PerturbationTree tree = quiet(N);
      for (std::size_t site = 0; site < tree.eps.size(); ++site) {
        tree.eps[site] = fair_signs(gaussian(chain.operators[site].Q.rows, size, random));
      }
      const ExactErrors errors = exact_errors(chain, tree);
      EXPECT_LE(errors.bias_squared, 1e-26 * errors.second_moment);
    }
  }
}

TEST(ScalingTest, ZeroMeanBackwardPerturbationsAddNothingToAForwardBias) {
  std::mt19937_64 random(22);
  for (int n = 0; n < 100; ++n) {
    const Chain chain = smooth_chain(4, random);
    PerturbationTree tree = quiet(4);
    tree.delta[0] = fair_signs(gaussian(chain.operators[0].Q.rows, 0.3, random));
    const double forward_only = exact_errors(chain, tree).bias_squared;
    tree.eps[1] = fair_signs(gaussian(chain.operators[1].Q.rows, 5, random));
    const double size = exact_errors(chain, tree).second_moment;
    EXPECT_NEAR(exact_errors(chain, tree).bias_squared, forward_only, 1e-12 * (forward_only + size));
  }
}

// log2 of bias^2 at a size over bias^2 at half of it, from `draws` Gaussian draws in antithetic pairs (the odd orders
// cancel), the same for both sizes; mean_share of the size is a constant mean, the rest noise.
double halving_exponent(const Chain& chain, double size, double mean_share, int draws, std::mt19937_64& random) {
  const std::size_t dimension = chain.operators[0].Q.rows;
  const Pass clean = clean_pass(chain);
  std::vector<Vector> total[2];
  for (auto& one : total) {
    for (const Vector& u : clean.u) {
      one.push_back(Vector(u.size(), 0.0));
    }
  }
  Perturbation perturbation{std::vector<Vector>(chain.operators.size() - 1), {}};
  for (int n = 0; n < draws; ++n) {
    const Vector z = gaussian(dimension, 1, random);
    for (const double sign : {1.0, -1.0}) {
      for (int half = 0; half < 2; ++half) {
        Vector delta = z;
        for (double& one : delta) {
          one = size / (1 + half) * (mean_share + (1 - mean_share) * sign * one);
        }
        perturbation.delta[0] = delta;
        const Pass pass = perturbed_pass(chain, perturbation);
        for (std::size_t i = 0; i < pass.u.size(); ++i) {
          for (std::size_t m = 0; m < pass.u[i].size(); ++m) {
            total[half][i][m] += pass.u[i][m] - clean.u[i][m];
          }
        }
      }
    }
  }
  double squares[2] = {0, 0};
  for (int half = 0; half < 2; ++half) {
    for (const Vector& one : total[half]) {
      squares[half] += norm(one) * norm(one);
    }
  }
  return std::log2(squares[0] / squares[1]);
}

TEST(ScalingTest, HalvingAZeroMeanForwardPerturbationDividesBiasSquaredBySixteen) {
  std::mt19937_64 random(23);
  std::vector<double> exponents;
  for (int n = 0; n < 60; ++n) {
    exponents.push_back(halving_exponent(smooth_chain(4, random), 0.02, 0, 200, random));
  }
  const Interval measured = interval(exponents);
  std::printf("  bias^2 ~ size^%.3f +- %.3f (predicted 4)\n", measured.mean, measured.half_width);
  EXPECT_LT(measured.half_width, 0.1);
  EXPECT_NEAR(measured.mean, 4, measured.half_width + 0.02);
}

TEST(ScalingTest, HalvingAConditionalMeanDividesBiasSquaredByFour) {
  std::mt19937_64 random(24);
  std::vector<double> exponents;
  for (int n = 0; n < 60; ++n) {
    exponents.push_back(halving_exponent(smooth_chain(4, random), 0.001, 0.5, 200, random));
  }
  const Interval measured = interval(exponents);
  std::printf("  bias^2 ~ size^%.4f +- %.4f (predicted 2)\n", measured.mean, measured.half_width);
  EXPECT_LT(measured.half_width, 0.1);
  EXPECT_NEAR(measured.mean, 2, measured.half_width + 0.02);
}

TEST(ScalingTest, AmplificationOnOrthogonalChainsFollowsTheClosedForm) {
  std::mt19937_64 random(25);
  for (const int N : {2, 3, 5, 8, 16}) {
    for (const double c : {0.5, 0.9, 1.0, 1.3, 2.0}) {
      const Chain chain = orthogonal_chain(N, c, random);
      const double x2 = norm(chain.input) * norm(chain.input);
      for (int j = 1; j < N; ++j) {
        const double closed = (N - j) * std::pow(c, 2 * (N - 1 - j));
        EXPECT_NEAR(forward_amplification(chain, j, 0.5) / closed, 1, 1e-6);
      }
      for (int k = 2; k <= N; ++k) {
        const double closed = (k - 1) * std::pow(c, 2 * (k - 2)) * x2;
        EXPECT_NEAR(backward_amplification(chain, k, 0.5) / closed, 1, 1e-6);
      }
    }
  }
}

TEST(ScalingTest, OnOrthogonalChainsTheSlopeAgainstDepthTendsToTwoLogC) {
  std::mt19937_64 random(26);
  for (const double c : {0.8, 1.5}) {
    const Chain chain = orthogonal_chain(60, c, random);
    const double slope =
        (std::log(backward_amplification(chain, 60, 1)) - std::log(backward_amplification(chain, 50, 1))) / 10;
    EXPECT_NEAR(slope, 2 * std::log(c) + std::log(59.0 / 49.0) / 10, 1e-9);
    EXPECT_NEAR(slope, 2 * std::log(c), 0.02);
  }
}

// Chains of one nonlinear kind and one scale, to see how amplification grows with depth.
Chain homogeneous_chain(Kind kind, int N, double scale, std::mt19937_64& random) {
  constexpr std::size_t kDimension = 4;
  Chain chain;
  chain.input = gaussian(kDimension, 0.3, random);
  for (int i = 1; i <= N; ++i) {
    Operator one;
    one.kind = kind;
    one.scale = scale;
    one.Q = scaled_orthonormal(i == N ? 1 : kDimension, kDimension, scale, random);
    one.w = gaussian(one.Q.rows, 0.1, random);
    one.a = 0.05;
    one.b = 1;
    chain.operators.push_back(one);
  }
  return chain;
}

// Geometric mean of the backward amplification of eps_k over chains, k = 3..N, and its growth per operator.
struct Growth {
  std::vector<double> amplification;
  theory::Exponent log_factor;
};

Growth growth(Kind kind, int N, double scale) {
  std::mt19937_64 random(27);
  constexpr int kChains = 40;
  Growth result;
  std::vector<double> depth;
  for (int k = 3; k <= N; ++k) {
    depth.push_back(std::exp(k));  // fit_exponent takes logarithms of both
    result.amplification.push_back(0);
  }
  for (int n = 0; n < kChains; ++n) {
    const Chain chain = homogeneous_chain(kind, N, scale, random);
    for (int k = 3; k <= N; ++k) {
      result.amplification[static_cast<std::size_t>(k) - 3] +=
          std::log(backward_amplification(chain, k, 0.1)) / kChains;
    }
  }
  for (double& one : result.amplification) {
    one = std::exp(one);
  }
  result.log_factor = theory::fit_exponent(depth, result.amplification);
  return result;
}

TEST(ScalingTest, AmplificationIsGeometricInDepthOnNonlinearChainsWhoseFactorsExceedOne) {
  for (const double scale : {1.1, 1.2, 1.4}) {
    const Growth measured = growth(Kind::kQuadratic, 12, scale);
    const theory::Exponent& slope = measured.log_factor;
    std::printf("  quadratic, scale %.1f: amplification x %.3f per operator, 95 %% [%.3f, %.3f]\n", scale,
                std::exp(slope.value), std::exp(slope.low), std::exp(slope.high));
    EXPECT_GT(slope.low, 0);
    EXPECT_LT(slope.standard_error, 0.1 * slope.value);  // a straight line in log scale
  }
}

TEST(ScalingTest, WithFactorsBelowOneAndAdditiveWeightsAmplificationSettlesInstead) {
  // ||K_i|| does not shrink with ||y_{i-1}||, so the nearest operator dominates: C^_eps_k tends to a constant.
  const Growth measured = growth(Kind::kTanh, 12, 0.6);
  EXPECT_NEAR(measured.amplification.back() / measured.amplification[4], 1, 0.02);
}

TEST(ScalingTest, WhereFactorsExceedOneTheEarlyForwardAndTheLateBackwardSiteAreWorst) {
  std::mt19937_64 random(28);
  constexpr int kChains = 300;
  int forward = 0;
  int backward = 0;
  for (int n = 0; n < kChains; ++n) {
    const int N = std::uniform_int_distribution<int>(3, 8)(random);
    const Chain chain = homogeneous_chain(Kind::kQuadratic, N, 1.25, random);
    forward += forward_amplification(chain, 1, 0.01) > forward_amplification(chain, N - 1, 0.01) ? 1 : 0;
    backward += backward_amplification(chain, N, 0.01) > backward_amplification(chain, 2, 0.01) ? 1 : 0;

    const Chain linear = orthogonal_chain(N, 1.05 + 0.1 * N, random);
    EXPECT_GT(forward_amplification(linear, 1, 0.01), forward_amplification(linear, N - 1, 0.01));
    EXPECT_GT(backward_amplification(linear, N, 0.01), backward_amplification(linear, 2, 0.01));
  }
  std::printf("  of %d quadratic chains: delta_1 worse than delta_{N-1} in %d, eps_N worse than eps_2 in %d\n", kChains,
              forward, backward);
  EXPECT_GE(forward, kChains * 95 / 100);
  EXPECT_EQ(backward, kChains);
}

TEST(ScalingTest, WhereFactorsAreWellBelowOneItIsTheOtherWayRound) {
  std::mt19937_64 random(29);
  const Chain chain = orthogonal_chain(6, 0.5, random);
  EXPECT_LT(forward_amplification(chain, 1, 0.01), forward_amplification(chain, 5, 0.01));
  EXPECT_LT(backward_amplification(chain, 6, 0.01), backward_amplification(chain, 2, 0.01));
}

}  // namespace
}  // namespace gradquake::verification
