#include "gradquake/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/core/seeds.h"

namespace gradquake::train {
namespace {

constexpr int kSteps = 7;

double rate_at(int step) { return 0.1 / (1 + step); }
double gradient_at(int step, double w) { return 3 * w - std::cos(step); }

OptimizerConfig sgd(double momentum, bool nesterov, double weight_decay) {
  OptimizerConfig config;
  config.spec = {"sgd", {{"momentum", momentum}, {"nesterov", nesterov}, {"weight_decay", weight_decay}}};
  return config;
}

// The weight after kSteps updates from 1.5 with gradient_at and rate_at.
double trained(const OptimizerConfig& config) {
  at::Tensor w = at::full({1}, 1.5, at::kDouble).requires_grad_();
  Optimizer optimizer(config, {w});
  for (int step = 0; step < kSteps; ++step) {
    optimizer.update({at::full({1}, gradient_at(step, w.item<double>()), at::kDouble)}, rate_at(step));
  }
  return w.item<double>();
}

TEST(OptimizerTest, SgdFollowsItsRecursionWithMomentumNesterovAndWeightDecay) {
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, true}) {
      for (const double decay : {0.0, 0.2}) {
        if (nesterov && momentum == 0) continue;
        double w = 1.5, v = 0;
        for (int step = 0; step < kSteps; ++step) {
          const double g = gradient_at(step, w) + decay * w;
          v = momentum * v + g;
          w -= rate_at(step) * (nesterov ? g + momentum * v : v);
        }
        EXPECT_NEAR(trained(sgd(momentum, nesterov, decay)), w, 1e-14) << momentum << nesterov << decay;
      }
    }
  }
}

TEST(OptimizerTest, AdamAndAdamwFollowTheirRecursions) {
  for (const std::string kind : {"adam", "adamw"}) {
    for (const double decay : {0.0, 0.2}) {
      const double beta1 = 0.8, beta2 = 0.95, epsilon = 1e-3;
      OptimizerConfig config;
      config.spec = {kind, {{"weight_decay", decay}, {"beta1", beta1}, {"beta2", beta2}, {"epsilon", epsilon}}};
      double w = 1.5, m = 0, v = 0;
      for (int step = 0; step < kSteps; ++step) {
        double g = gradient_at(step, w);
        if (kind == "adam") g += decay * w;
        if (kind == "adamw") w -= rate_at(step) * decay * w;
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
        const double m_hat = m / (1 - std::pow(beta1, step + 1));
        const double v_hat = v / (1 - std::pow(beta2, step + 1));
        w -= rate_at(step) * m_hat / (std::sqrt(v_hat) + epsilon);
      }
      EXPECT_NEAR(trained(config), w, 1e-14) << kind << decay;
    }
  }
}

TEST(OptimizerTest, AnUpdateLeavesTheGradientsGivenAndNoGradBehind) {
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    OptimizerConfig config;
    config.spec = {kind, {{"weight_decay", 0.5}}};
    if (kind == "sgd") config.spec.set("momentum", 0.9);
    at::Tensor w = at::ones({3}).requires_grad_();
    const at::Tensor gradient = at::full({3}, 2.0);
    Optimizer optimizer(config, {w});
    for (int step = 0; step < 3; ++step) optimizer.update({gradient}, 0.1);
    EXPECT_TRUE(at::equal(gradient, at::full({3}, 2.0))) << kind;
    EXPECT_FALSE(w.grad().defined()) << kind;
  }
}

TEST(OptimizerTest, AKindSaysWhetherItsWeightDecayBelongsToTheLoss) {
  const auto method = [](const KindSpec& spec) {
    OptimizerConfig config;
    config.spec = spec;
    return optimizer_method(config);
  };
  EXPECT_EQ(method({"sgd", {{"weight_decay", 0.3}}}).loss_decay, 0.3);
  EXPECT_EQ(method({"adam", {{"weight_decay", 0.3}}}).loss_decay, 0.3);
  EXPECT_EQ(method({"adamw", {{"weight_decay", 0.3}}}).loss_decay, 0);
  EXPECT_EQ(method("sgd").not_stated_for, "");
  EXPECT_EQ(method({"sgd", {{"momentum", 0.9}}}).not_stated_for, "momentum");
  EXPECT_EQ(method("adamw").not_stated_for, "adamw");
}

TEST(ClipTest, ALongGradientIsScaledToTheNormAndAShortOneIsLeft) {
  const std::vector<at::Tensor> gradients{at::full({1}, 3.0, at::kDouble), at::full({1}, 4.0, at::kDouble)};
  const auto clipped = clip(gradients, 5, 1);
  EXPECT_DOUBLE_EQ(clipped[0].item<double>(), 0.6);
  EXPECT_DOUBLE_EQ(clipped[1].item<double>(), 0.8);
  EXPECT_EQ(gradients[0].item<double>(), 3.0);
  EXPECT_TRUE(clip(gradients, 5, 5)[0].is_same(gradients[0]));
  EXPECT_TRUE(clip(gradients, 5, 7)[1].is_same(gradients[1]));
}

std::vector<at::Tensor> noise(double deviation, std::uint64_t seed, std::int64_t step,
                              at::ScalarType dtype = at::kDouble) {
  return add_gradient_noise({at::zeros({40000}, dtype), at::zeros({2, 30000}, dtype)}, deviation, seed, step);
}

// 1e5 normals: the mean's deviation is 0.0032 sigma, the variance's 0.0045. At 5 sigmas a false alarm once in 1e6.
TEST(GradientNoiseTest, HasTheDeviationAskedForAndMeanZero) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const auto drawn = noise(0.3, named_seed(1, "gradient_noise"), 11, dtype);
    EXPECT_EQ(drawn[0].scalar_type(), dtype);
    const at::Tensor all = at::cat({drawn[0], drawn[1].view({-1})}).to(at::kDouble) / 0.3;
    EXPECT_NEAR(all.mean().item<double>(), 0, 5 * 0.0032);
    EXPECT_NEAR(all.square().mean().item<double>(), 1, 5 * 0.0045);
  }
}

TEST(GradientNoiseTest, IsAddressedBySeedStepAndParameter) {
  const auto a = noise(1, 1, 0);
  EXPECT_TRUE(at::equal(a[0], noise(1, 1, 0)[0]));
  EXPECT_FALSE(at::equal(a[0], noise(1, 1, 1)[0]));
  EXPECT_FALSE(at::equal(a[0], noise(1, 2, 0)[0]));
  EXPECT_FALSE(at::equal(a[0].narrow(0, 0, 30000), a[1][0]));
  EXPECT_FALSE(at::equal(a[0], noise(1, 1, std::int64_t{1} << 32)[0]));
}

TEST(GradientNoiseTest, IsAddedToTheGradientOutOfPlace) {
  const at::Tensor gradient = at::full({5}, 2.0, at::kDouble), zero = at::zeros({5}, at::kDouble);
  const at::Tensor noisy = add_gradient_noise({gradient}, 0.5, 3, 4)[0];
  const at::Tensor alone = add_gradient_noise({zero}, 0.5, 3, 4)[0];
  EXPECT_LT((noisy - 2 - alone).abs().max().item<double>(), 1e-15);
  EXPECT_TRUE(at::equal(gradient, at::full({5}, 2.0, at::kDouble)));
  EXPECT_TRUE(add_gradient_noise({gradient}, 0, 3, 4)[0].is_same(gradient));
}

TEST(GradientNoiseTest, LeavesTheGlobalGeneratorAlone) {
  at::manual_seed(8);
  const at::Tensor before = at::detail::getDefaultCPUGenerator().get_state();
  noise(1, 1, 0);
  EXPECT_TRUE(at::equal(at::detail::getDefaultCPUGenerator().get_state(), before));
}

}  // namespace
}  // namespace gradquake::train
