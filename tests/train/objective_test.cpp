#include "gradquake/train/objective.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "gradquake/core/error.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::train {
namespace {

const at::Tensor kScores = at::tensor({1.0, -2.0, 0.5, 0.0, 3.0, -1.0}, at::kDouble).view({2, 3});
const at::Tensor kTargets = at::tensor({2, 1}, at::kLong);

double loss_of(ObjectiveKind kind, const at::Tensor& output, const at::Tensor& target) {
  return objective_loss(kind, output, target).item<double>();
}

TEST(ObjectiveTest, CrossEntropyIsTheMeanNegativeLogProbability) {
  const double first = std::log(std::exp(1.0) + std::exp(-2.0) + std::exp(0.5)) - 0.5;
  const double second = std::log(std::exp(0.0) + std::exp(3.0) + std::exp(-1.0)) - 3.0;
  EXPECT_NEAR(loss_of(ObjectiveKind::kCrossEntropy, kScores, kTargets), (first + second) / 2, 1e-15);
}

TEST(ObjectiveTest, MseTakesClassesOneHot) {
  const double first = 1 + 4 + 0.25, second = 0 + 4 + 1;
  EXPECT_NEAR(loss_of(ObjectiveKind::kMse, kScores, kTargets), (first + second) / 6, 1e-15);
}

TEST(ObjectiveTest, LogisticIsExactFarFromZeroOnBothSides) {
  for (const double f : {-800.0, -30.0, -1.0, 0.0, 1.0, 19.0, 21.0, 30.0, 800.0}) {
    const double expected = f > 0 ? f + std::log1p(std::exp(-f)) : std::log1p(std::exp(f));
    const double loss = loss_of(ObjectiveKind::kLogistic, at::full({1}, f, at::kDouble), {});
    EXPECT_NEAR(loss, expected, 1e-15 * expected) << f;
  }
}

TEST(ObjectiveTest, RightRowsAreCounted) {
  EXPECT_EQ(count_correct(ObjectiveKind::kCrossEntropy, kScores, kTargets), 1);
  EXPECT_EQ(count_correct(ObjectiveKind::kLogistic, at::tensor({-1.0, 2.0, 0.0, -3.0}), {}), 2);
}

TEST(ObjectiveTest, AnUnknownNameIsTheCallersMistake) {
  EXPECT_EQ(objective_from_name("mse"), ObjectiveKind::kMse);
  EXPECT_THROW(objective_from_name("hinge"), UserError);
}

TEST(RegularizerTest, TheClosedFormGradientIsThatOfTheLoss) {
  at::manual_seed(4);
  for (const std::string kind : {"l2", "nonconvex"}) {
    const RegularizerConfig config{kind, 0.3};
    const std::vector<at::Tensor> w{(3 * at::randn({50}, at::kDouble)).requires_grad_(),
                                    at::randn({4, 5}, at::kDouble).requires_grad_()};
    const auto expected = torch::autograd::grad({regularizer_loss(config, w)}, w);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const at::Tensor r = add_regularizer_gradient(config, at::zeros_like(w[i]), w[i]);
      EXPECT_LT((r - expected[i]).abs().max().item<double>(), 1e-14) << kind;
      const at::Tensor shifted = add_regularizer_gradient(config, at::full_like(w[i], 2.0), w[i]);
      EXPECT_LT((shifted - r - 2).abs().max().item<double>(), 1e-14) << kind;
    }
  }
}

TEST(RegularizerTest, TheLossIsItsFormula) {
  const std::vector<at::Tensor> w{at::tensor({1.0, -2.0}, at::kDouble), at::tensor({3.0}, at::kDouble)};
  EXPECT_DOUBLE_EQ(regularizer_loss({"l2", 0.5}, w).item<double>(), 7);
  EXPECT_DOUBLE_EQ(regularizer_loss({"nonconvex", 0.5}, w).item<double>(), 0.5 * (0.5 + 0.8 + 0.9));
}

TEST(RegularizerTest, AnInactiveOneIsNotThere) {
  const at::Tensor w = at::ones({3}), gradient = at::ones({3});
  for (const RegularizerConfig& config : {RegularizerConfig{"none", 1.0}, RegularizerConfig{"l2", 0.0}}) {
    EXPECT_FALSE(regularizer_loss(config, {w}).defined());
    EXPECT_TRUE(add_regularizer_gradient(config, gradient, w).is_same(gradient));
  }
}

}  // namespace
}  // namespace gradquake::train
