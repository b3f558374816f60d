#include "gradquake/paper/problem.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/paper/appendix.h"
#include "gradquake/paper/stationary_point.h"

namespace gradquake::paper {
namespace {

const Regularizer kNonconvex{RegularizerKind::kNonconvex, 0.05};
const Regularizer kL2{RegularizerKind::kL2, 0.1};

TEST(PaperProblemTest, TheGradientIsThatOfTheLoss) {
  const Problem problem = make_problem(50, 4, 1);
  for (const Regularizer& regularizer : {kNonconvex, kL2}) {
    const std::vector<double> w = {0.3, -1.2, 0.7, 2.0};
    const std::vector<double> exact = gradient(problem, regularizer, w);
    for (std::size_t j = 0; j < w.size(); ++j) {
      std::vector<double> up = w, down = w;
      up[j] += 1e-5, down[j] -= 1e-5;
      const double difference = (loss(problem, regularizer, up) - loss(problem, regularizer, down)) / 2e-5;
      EXPECT_NEAR(exact[j], difference, 1e-9);
      const double curvature = (regularizer.gradient(up[j]) - regularizer.gradient(down[j])) / 2e-5;
      EXPECT_NEAR(regularizer.second_derivative(w[j]), curvature, 1e-9);
    }
  }
}

TEST(PaperProblemTest, TheLossIsExactForActivationsBeyondTenThousand) {
  const Problem problem = make_problem(40, 1, 2);
  double expected = 0;
  for (std::size_t l = 0; l < 40; ++l) expected += std::fmax(1e6 * problem.row(l)[0], 0) / 40;
  EXPECT_NEAR(loss(problem, {RegularizerKind::kNonconvex, 0}, {1e6}), expected, 1e-4);
}

TEST(StationaryPointTest, ThereTheGradientIsTheOppositeOfTheBias) {
  const Problem problem = make_problem(2000, 10, 1);
  const Regularizer regularizer{RegularizerKind::kNonconvex, 0.001};
  const double bias = 0.1 / std::sqrt(10.0) / 2;
  const StationaryPoint point = find_stationary_point(problem, regularizer, bias);
  ASSERT_TRUE(point.decided && point.exists);
  const std::vector<double> g = gradient(problem, regularizer, point.w);
  for (std::size_t j = 0; j < g.size(); ++j) EXPECT_NEAR(g[j], -bias * problem.mean_row[j], 1e-10);
}

TEST(StationaryPointTest, ALargeBiasHasNoneAndADirectionProvesIt) {
  const Problem problem = make_problem(2000, 10, 1);
  const Regularizer regularizer{RegularizerKind::kNonconvex, 0.001};
  const double bias = 2 / std::sqrt(10.0) / 2;
  const StationaryPoint point = find_stationary_point(problem, regularizer, bias);
  ASSERT_TRUE(point.decided);
  ASSERT_FALSE(point.exists);
  // f(w) + b^T w falls without end along the direction.
  double before = 0;
  for (const double length : {1e2, 1e4, 1e6}) {
    std::vector<double> w = point.direction;
    double linear = 0;
    for (std::size_t j = 0; j < w.size(); ++j) {
      w[j] *= length;
      linear += bias * problem.mean_row[j] * w[j];
    }
    const double value = loss(problem, regularizer, w) + linear;
    EXPECT_LT(value, before);
    EXPECT_NEAR(value / length, point.recession, 1.0 / length);
    before = value;
  }
}

TEST(StationaryPointTest, AStronglyConvexProblemAlwaysHasOne) {
  const Problem problem = make_problem(500, 5, 3);
  for (const double bias : {0.0, 0.3, 10.0}) {
    EXPECT_TRUE(find_stationary_point(problem, {RegularizerKind::kL2, 0.1}, bias).exists);
  }
}

// A.1: the closed forms, and that the printed inequality is strict.
TEST(AppendixTest, ZeroMeanNoiseBiasesTheSigmoidsDerivative) {
  EXPECT_DOUBLE_EQ(sigmoid_derivative(0), 0.25);
  for (const double a : {0.1, 1.0, 30.0}) {
    EXPECT_DOUBLE_EQ(sigmoid_derivative(a), sigmoid_derivative(-a));
    EXPECT_LT(sigmoid_derivative(a), 0.25);
  }
}

TEST(AppendixTest, PerturbedDescentEndsAtMinusDeltaForEveryStepSizeBelowOne) {
  for (const double gamma : {0.1, 0.49, 0.5, 0.9}) EXPECT_NEAR(perturbed_descent(2, 0.3, gamma, 500), -0.3, 1e-12);
  EXPECT_GT(std::fabs(perturbed_descent(2, 0.3, 1.01, 2000)), 1e9);
}

TEST(AppendixTest, ThePrintedFirstStepWithoutCompressionEndsAtZero) {
  for (const double s : {1.0, 0.5, 2.0}) {
    const auto norms = compressed_descent({-15, 13, -5, 9, 0.1, 0, false, {s, s}}, 1);
    EXPECT_EQ(norms[1], 0);
  }
}

// W20: the example shows non-convergence at its step sizes, not of Top-1.
TEST(AppendixTest, TopOneDivergesAtThePapersStepSizesAndConvergesAtSmallerOnes) {
  const auto ending = [](double gamma, double beta, bool momentum_matrix) {
    return momentum_matrix ? ending_of(compressed_descent({-5, -4, -5, 3, gamma, beta, true, {1, 1}}, 20000))
                           : ending_of(compressed_descent({-15, 13, -5, 9, gamma, beta, true, {1, 1}}, 20000));
  };
  EXPECT_EQ(ending(0.1, 0, false), Ending::kDiverges);
  EXPECT_EQ(ending(0.05, 0.9, true), Ending::kDiverges);
  for (const double gamma : {0.004, 0.003, 0.002, 0.001}) EXPECT_EQ(ending(gamma, 0, false), Ending::kConverges);
  for (const double gamma : {0.02, 0.01, 0.005}) EXPECT_EQ(ending(gamma, 0.9, true), Ending::kConverges);
}

TEST(AppendixTest, WithoutCompressionThePapersStepSizeConvergesFromTheExactDiagonalOnly) {
  EXPECT_EQ(ending_of(compressed_descent({-15, 13, -5, 9, 0.1, 0, false, {1, 1}}, 200)), Ending::kConverges);
  EXPECT_EQ(ending_of(compressed_descent({-15, 13, -5, 9, 0.1, 0, false, {1, 1.000001}}, 200)), Ending::kDiverges);
  EXPECT_EQ(ending_of(compressed_descent({-15, 13, -5, 9, 0.1, 0, false, {0.3, 0.3}}, 200)), Ending::kDiverges)
      << "0.3 is no binary fraction";
}

}  // namespace
}  // namespace gradquake::paper
