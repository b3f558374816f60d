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

double loss_of(const KindSpec& config, const at::Tensor& output, const at::Tensor& target) {
  const auto objective = make_objective(config);
  const data::Batch batch(target, target);
  objective->check(output, batch);
  const double loss = objective->loss(output, batch).item<double>();
  const at::Tensor each = objective->per_sample(output, batch);
  EXPECT_EQ(each.sizes(), at::IntArrayRef({output.size(0)}));
  EXPECT_NEAR(each.mean().item<double>(), loss, 1e-15 * (1 + std::abs(loss)));
  return loss;
}

std::optional<double> metric_of(const std::string& kind, data::TargetKind targets, const at::Tensor& output,
                                const at::Tensor& target) {
  const auto metric = make_objective(kind)->metric(targets);
  if (!metric) return std::nullopt;
  const std::int64_t half = output.size(0) / 2, rest = output.size(0) - half;
  metric->add(output.narrow(0, 0, half), {target.narrow(0, 0, half), target.narrow(0, 0, half)});
  metric->add(output.narrow(0, half, rest), {target.narrow(0, half, rest), target.narrow(0, half, rest)});
  return metric->value();
}

std::string refusal_of(const std::string& kind, const at::Tensor& output, const at::Tensor& target) {
  try {
    make_objective(kind)->check(output, {target, target});
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ObjectiveTest, CrossEntropyIsTheMeanNegativeLogProbability) {
  const double first = std::log(std::exp(1.0) + std::exp(-2.0) + std::exp(0.5)) - 0.5;
  const double second = std::log(std::exp(0.0) + std::exp(3.0) + std::exp(-1.0)) - 3.0;
  EXPECT_NEAR(loss_of({"cross_entropy"}, kScores, kTargets), (first + second) / 2, 1e-15);
}

TEST(ObjectiveTest, CrossEntropyTakesAClassForEveryTokenOfASample) {
  const at::Tensor output = at::randn({4, 3, 5}, at::kDouble), target = at::randint(3, {4, 5}, at::kLong);
  EXPECT_NEAR(loss_of({"cross_entropy"}, output, target), at::cross_entropy_loss(output, target).item<double>(), 1e-14);
}

TEST(ObjectiveTest, CrossEntropyOfClassesLastIsThatOfTheFlattenedTokens) {
  const at::Tensor output = at::randn({4, 5, 3}, at::kDouble), target = at::randint(3, {4, 5}, at::kLong);
  const at::Tensor flat_output = output.view({20, 3}), flat_target = target.view({20});
  const data::Batch batch(target, target), flat(flat_target, flat_target);
  const auto objective = make_objective("cross_entropy");
  EXPECT_TRUE(at::equal(objective->loss(output, batch), objective->loss(flat_output, flat)));
  EXPECT_TRUE(at::allclose(objective->per_sample(output, batch),
                           objective->per_sample(flat_output, flat).view({4, 5}).mean(1), 1e-14, 0));
  EXPECT_NEAR(loss_of({"cross_entropy"}, output, target), loss_of({"cross_entropy"}, output.movedim(2, 1), target),
              1e-14);
  const auto kind = data::TargetKind::kClasses;
  EXPECT_EQ(metric_of("cross_entropy", kind, output, target),
            metric_of("cross_entropy", kind, flat_output, flat_target));
  EXPECT_NE(refusal_of("cross_entropy", output, target + 1).find("classes from 0 to 2"), std::string::npos);
}

TEST(ObjectiveTest, MseTakesClassesOneHot) {
  const double first = 1 + 4 + 0.25, second = 0 + 4 + 1;
  EXPECT_NEAR(loss_of({"mse"}, kScores, kTargets), (first + second) / 6, 1e-15);
}

// Errors 0.5, -1 and 3, each the only number of its sample: as [rows], as [rows, 1], and as one sample of three.
TEST(ObjectiveTest, RegressionTakesTargetsOfTheOutputsSize) {
  const at::Tensor errors = at::tensor({0.5, -1.0, 3.0}, at::kDouble),
                   target = at::tensor({1.0, 2.0, -4.0}, at::kDouble);
  const auto check = [&](const at::Tensor& output, const at::Tensor& wanted) {
    EXPECT_NEAR(loss_of({"mse"}, output, wanted), (0.25 + 1 + 9) / 3, 1e-15);
    EXPECT_NEAR(loss_of({"mae"}, output, wanted), 4.5 / 3, 1e-15);
    EXPECT_NEAR(loss_of({"huber"}, output, wanted), (0.125 + 0.5 + 2.5) / 3, 1e-15);
    EXPECT_NEAR(loss_of({"huber", {{"delta", 2.0}}}, output, wanted), (0.125 + 0.5 + 4) / 3, 1e-15);
  };
  const at::Tensor output = target + errors;
  check(output, target);
  check(output.view({3, 1}), target);
  check(output.view({1, 3}), target.view({1, 3}));
  check(output.view({1, 3, 1}), target.view({1, 1, 3}));
}

TEST(ObjectiveTest, LogisticIsExactFarFromZeroOnBothSides) {
  for (const double f : {-800.0, -30.0, -1.0, 0.0, 1.0, 19.0, 21.0, 30.0, 800.0}) {
    const double expected = f > 0 ? f + std::log1p(std::exp(-f)) : std::log1p(std::exp(f));
    const double loss = loss_of({"logistic"}, at::full({1}, f, at::kDouble), at::ones({1}, at::kDouble));
    EXPECT_NEAR(loss, expected, 1e-15 * expected) << f;
  }
}

TEST(ObjectiveTest, AnOutputThatIsTheLossIsTrainedAsItIs) {
  const at::Tensor losses = at::tensor({1.0, 2.0, 6.0}, at::kDouble);
  EXPECT_DOUBLE_EQ(loss_of({"output"}, losses, losses), 3);
  EXPECT_DOUBLE_EQ(make_objective("output")->loss(losses.mean(), {losses, losses}).item<double>(), 3);
  EXPECT_EQ(metric_of("output", data::TargetKind::kReal, losses, losses), std::nullopt);
}

TEST(ObjectiveTest, AccuracyIsTheShareOfRightRows) {
  EXPECT_EQ(metric_of("cross_entropy", data::TargetKind::kClasses, kScores, kTargets), 0.5);
  EXPECT_EQ(metric_of("mse", data::TargetKind::kClasses, kScores, kTargets), 0.5);
  const at::Tensor f1 = at::tensor({-1.0, 2.0, 0.0, -3.0}), signs = at::tensor({1.0, 1.0, -1.0, -1.0});
  EXPECT_EQ(metric_of("logistic", data::TargetKind::kSigns, f1, signs), 0.5);
  EXPECT_EQ(metric_of("mse", data::TargetKind::kSigns, f1.view({4, 1}), signs), 0.5);
}

TEST(ObjectiveTest, RSquaredIsTheShareOfTheTargetsVarianceThatIsExplained) {
  // Far from 0, where sums about it would cancel.
  const at::Tensor target = at::tensor({1.0, 2.0, 3.0, 6.0, 8.0}, at::kDouble) + 1e9;
  const at::Tensor output = target + at::tensor({1.0, -1.0, 0.0, 2.0, 0.0}, at::kDouble);
  const double explained = 1 - 6.0 / 34.0;
  EXPECT_NEAR(metric_of("mse", data::TargetKind::kReal, output, target).value(), explained, 1e-6);
  EXPECT_NEAR(metric_of("mae", data::TargetKind::kReal, target, target).value(), 1, 1e-12);
  EXPECT_EQ(metric_of("huber", data::TargetKind::kReal, at::zeros({4}), at::ones({4})), std::nullopt);
}

TEST(ObjectiveTest, WhatDoesNotFitIsRefusedWithBothShapes) {
  const at::Tensor numbers = at::zeros({8}, at::kDouble), classes = at::full({8}, 3, at::kLong);
  EXPECT_EQ(refusal_of("mse", at::zeros({8, 2}), numbers),
            "[train] objective mse: expected an output of the targets' size, got an output [8, 2] and targets [8]");
  EXPECT_NE(refusal_of("mse", at::zeros({8, 3}), classes).find("classes from 0 to 2"), std::string::npos);
  EXPECT_NE(refusal_of("cross_entropy", at::zeros({8, 3}), classes).find("classes from 0 to 2"), std::string::npos);
  EXPECT_NE(refusal_of("cross_entropy", at::zeros({8, 3}), numbers).find("integer classes"), std::string::npos);
  EXPECT_NE(refusal_of("cross_entropy", at::zeros({8}), classes).find("[rows, classes, ...]"), std::string::npos);
  EXPECT_NE(refusal_of("logistic", at::zeros({8, 1}), numbers).find("expected an output [8]"), std::string::npos);
  EXPECT_NE(refusal_of("output", at::zeros({8, 2}), numbers).find("a loss of each sample"), std::string::npos);
  EXPECT_EQ(refusal_of("huber", at::zeros({8, 1}), numbers), "accepted");
}

TEST(ObjectiveTest, AnUnknownNameIsTheCallersMistake) { EXPECT_THROW(make_objective("hinge"), std::invalid_argument); }

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
