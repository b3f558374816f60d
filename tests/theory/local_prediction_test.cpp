#include "gradquake/theory/local_prediction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradquake/core/error.h"

namespace gradquake::theory {
namespace {

TEST(LocalPredictionTest, InOneDimensionTheExcessIsAGeometricSequence) {
  const std::vector<double> excess = excess_gradients({{4.0}, {}}, 0.5, 0.1, 6);
  for (int k = 0; k < 6; ++k) {
    EXPECT_NEAR(excess[static_cast<std::size_t>(k)], 0.5 * 4 * std::pow(0.6, k), 1e-14);
  }
}

TEST(LocalPredictionTest, TheExcessFollowsTheRecursionInTheMatrixItself) {
  const Tridiagonal T{{3, 2, 1.5}, {0.7, 0.4}};
  const double gamma = 0.2;
  std::vector<double> z{2, 0, 0};  // ||Delta|| e_1
  const std::vector<double> excess = excess_gradients(T, 2, gamma, 30);
  for (const double one : excess) {
    const std::vector<double> Tz{3 * z[0] + 0.7 * z[1], 0.7 * z[0] + 2 * z[1] + 0.4 * z[2], 0.4 * z[1] + 1.5 * z[2]};
    EXPECT_NEAR(one, std::hypot(Tz[0], Tz[1], Tz[2]), 1e-12);
    for (std::size_t i = 0; i < 3; ++i) {
      z[i] -= gamma * Tz[i];
    }
  }
}

TEST(LocalPredictionTest, NegativeCurvatureIsSetToZero) {
  // Eigenvalues 1 +- 2 with equal weight on e_1: only 3 is left, at half of the squared length.
  const std::vector<double> excess = excess_gradients({{1, 1}, {2}}, 1, 0.1, 3);
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(excess[static_cast<std::size_t>(k)], 3 * std::pow(0.7, k) / std::sqrt(2.0), 1e-12);
  }
}

// The definition, spelled out: EWMA, band, hold.
double by_hand(double theta, double size, double gamma, const GradientBand& band) {
  double e = band.level;
  double g = size * theta;
  const double edge = std::max(band.factor * band.level, band.level + 4.45 * band.mad);
  std::vector<bool> in_band;
  for (int k = 1; k <= 2000; ++k) {
    e = (1 - band.ewma) * e + band.ewma * (band.level + g);
    g *= std::abs(1 - gamma * theta);
    in_band.push_back(e <= edge);
  }
  bool left = false;
  for (std::size_t k = 0; k + static_cast<std::size_t>(band.hold) <= in_band.size(); ++k) {
    bool row = true;
    for (std::size_t h = 0; h < static_cast<std::size_t>(band.hold); ++h) {
      row = row && in_band[k + h];
    }
    if (row) {
      return left ? static_cast<double>(k + 1) : 0;
    }
    left = left || !in_band[k];
  }
  return -1;
}

TEST(LocalPredictionTest, ThePredictionIsTheFirstOfARowInTheBand) {
  for (const double gamma : {0.01, 0.1, 0.3, 0.45}) {
    for (const double size : {0.01, 1.0, 30.0}) {
      const GradientBand band{.level = 0.5, .mad = 0.02, .factor = 1.5, .ewma = 0.3, .hold = 10};
      const LocalPrediction prediction = local_prediction({{4.0}, {}}, size, gamma, band);
      EXPECT_EQ(*prediction.steps.value, by_hand(4, size, gamma, band)) << gamma << " " << size;
      EXPECT_FALSE(prediction.overshoots);
    }
  }
}

TEST(LocalPredictionTest, AnExcessThatStaysInTheBandRecoversInZero) {
  const GradientBand band{.level = 1};
  EXPECT_EQ(*local_prediction({{2.0}, {}}, 0.1, 0.1, band).steps.value, 0);
  EXPECT_EQ(*local_prediction({{}, {}}, 0, 0.1, band).steps.value, 0);
}

TEST(LocalPredictionTest, OvershootNeverComesBackAndSaysWhy) {
  const GradientBand band{.level = 1};
  const LocalPrediction prediction = local_prediction({{10.0}, {}}, 1, 0.3, band);
  EXPECT_FALSE(prediction.steps.value.has_value());
  EXPECT_TRUE(prediction.overshoots);
  EXPECT_NE(prediction.steps.reason.find("not back in the band within 2000 steps"), std::string::npos);
  EXPECT_NE(prediction.steps.reason.find("overshoot"), std::string::npos);
}

TEST(LocalPredictionTest, ANonFiniteProductIsAReasonAndNoError) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const GradientBand band{.level = 1};
  EXPECT_FALSE(local_prediction({{1, nan}, {1}}, 1, 0.1, band).steps.value.has_value());
  EXPECT_FALSE(local_prediction({{1.0}, {}}, nan, 0.1, band).steps.value.has_value());
}

TEST(LocalPredictionTest, ABadBandIsRefused) {
  EXPECT_THROW(local_prediction({{1.0}, {}}, 1, 0.1, {.level = -1}), UserError);
  EXPECT_THROW(local_prediction({{1.0}, {}}, 1, 0.1, {.level = 1, .ewma = 0}), UserError);
  EXPECT_THROW(local_prediction({{1.0}, {}}, 1, 0.1, {.level = 1, .hold = 0}), UserError);
  EXPECT_THROW(local_prediction({{1.0}, {}}, 1, -0.1, {.level = 1}), UserError);
}

}  // namespace
}  // namespace gradquake::theory
