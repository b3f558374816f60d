#include "gradquake/compare/screen.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/data/tensor_dataset.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/trained_parameters.h"
#include "small_net.h"

namespace gradquake::compare {
namespace {

using train::Task;

// loss = mean over the batch of sum_o (V W x)_o. dL/dV = mean of 1 (W x)^T, dL/dW = V^T 1 mean of x^T.
struct TwoMaps : torch::nn::Module {
  TwoMaps() {
    at::manual_seed(4);
    w = register_parameter("w", at::randn({kHidden, kInputs}, at::kDouble));
    v = register_parameter("v", at::randn({kOutputs, kHidden}, at::kDouble));
  }
  at::Tensor forward(const at::Tensor& x) { return tap("h", x.mm(w.t())).mm(v.t()).sum(1); }
  static constexpr std::int64_t kInputs = 5, kHidden = 7, kOutputs = 3, kRows = 8;
  at::Tensor w, v;
};

struct TwoMapsTask {
  std::shared_ptr<TwoMaps> net = std::make_shared<TwoMaps>();
  at::Tensor x = (at::manual_seed(5), at::randn({TwoMaps::kRows, TwoMaps::kInputs}, at::kDouble));
  Task task;

  TwoMapsTask() {
    task.model = net;
    task.forward = [net = net](const data::Batch& batch) { return net->forward(batch.input()); };
    task.objective = train::make_objective("output");
    const auto set = std::make_shared<data::TensorDataset>(x, at::zeros({TwoMaps::kRows}, at::kDouble), 0, at::kDouble);
    task.data = {set, set};
    task.batch_size = TwoMaps::kRows;
  }
};

const SiteScreen& site_of(const Screen& screen, const std::string& name, Direction direction) {
  for (const SiteScreen& one : screen.sites)
    if (one.site == name && one.direction == direction) return one;
  throw std::runtime_error("no site " + name);
}

void expect_covers(const SiteScreen& site, double expected) {
  ASSERT_TRUE(site.gain.has_value()) << site.reason;
  EXPECT_LE(site.gain->low, expected) << site.site << ' ' << to_text(site.direction);
  EXPECT_GE(site.gain->high, expected) << site.site << ' ' << to_text(site.direction);
  EXPECT_NEAR(site.gain->estimate / expected, 1, 0.1) << site.site << ' ' << to_text(site.direction);
}

TEST(ScreenTest, TwoLinearMapsHaveTheGainsOfTheClosedForm) {
  const TwoMapsTask two;
  const at::Tensor h = two.x.mm(two.net->w.detach().t()), v_back = two.net->v.detach().sum(0);
  constexpr double kRows = TwoMaps::kRows, kOutputs = TwoMaps::kOutputs, kHidden = TwoMaps::kHidden;
  const at::Tensor u_v = h.mean(0).expand({TwoMaps::kOutputs, -1}), u_w = at::outer(v_back, two.x.mean(0));
  const double norm = u_v.square().sum().item<double>() + u_w.square().sum().item<double>();
  // A forward zero moves dL/dV alone, by its mean over the batch in each of kOutputs rows; a backward one, autograd's
  // gradient V^T 1 / rows of every row, moves dL/dW by the sum of e x^T.
  const double forward = h.square().mean().item<double>() * kOutputs * kHidden / kRows;
  const double mean_square = v_back.square().mean().item<double>() / (kRows * kRows);
  const double backward = mean_square * kHidden * two.x.square().sum().item<double>();
  const Screen found = screen(two.task, {.screen = {.batches = 1, .least = 256, .most = 256, .width = 1}});
  EXPECT_EQ(found.vectors, 256);
  EXPECT_NEAR(found.gradient_norm, std::sqrt(norm), 1e-12);
  expect_covers(site_of(found, "h", Direction::kForward), std::sqrt(forward / norm));
  expect_covers(site_of(found, "h", Direction::kBackward), std::sqrt(backward / norm));
}

// Mean of ||u~ - u||^2 over draws of relative noise at one site, against ||u||^2.
double measured_gain(const Task& task, const data::Batch& batch, const std::string& site, Direction direction,
                     double size, int draws) {
  const std::vector<at::Tensor> parameters = model::trained_parameters(*task.model).tensors;
  const auto gradient = [&] {
    const at::Tensor loss = task.objective->loss(task.forward(batch), batch);
    return torch::autograd::grad({loss}, parameters);
  };
  const auto clean = gradient();
  Rule rule{.label = "r", .sites = site, .direction = direction};
  rule.perturbation = {"gaussian", {{"scale", size}, {"relative_to", "rms"}}};
  Plan plan({rule}, {.seed = 1});
  double error = 0, norm = 0;
  for (const at::Tensor& one : clean) norm += one.square().sum().item<double>();
  for (int draw = 0; draw < draws; ++draw) {
    const PlanScope scope(plan, {.rows = batch.rows(), .loss_divisor = 1, .repeat = static_cast<std::uint64_t>(draw)});
    const auto perturbed = gradient();
    for (std::size_t i = 0; i < clean.size(); ++i) error += (perturbed[i] - clean[i]).square().sum().item<double>();
  }
  return std::sqrt(error / draws / norm) / size;
}

TEST(ScreenTest, GainsAreThoseThatSmallNoiseHas) {
  train::SmallNet net;
  Task task = train::task_of(net, {});
  task.data = train::random_splits(16);
  task.batch_size = 16;
  const Screen found = screen(task, {.screen = {.batches = 1, .least = 256, .most = 256, .width = 1}});
  const data::Batch batch = task.data.train->range(0, 16);  // the full batch, in order
  ASSERT_EQ(found.sites.size(), 6U);
  for (const SiteScreen& site : found.sites) {
    const double measured = measured_gain(task, batch, site.site, site.direction, 1e-3, 1500);
    ASSERT_TRUE(site.gain.has_value()) << site.reason;
    const double half_width = (site.gain->high / site.gain->low - 1) / 2;  // two of them are four standard errors
    EXPECT_NEAR(site.gain->estimate / measured, 1, 2 * half_width + 0.02)
        << site.site << ' ' << to_text(site.direction);
    EXPECT_LT(half_width, 0.06);
  }
}

TEST(ScreenTest, ItLeavesTheModelAsItWas) {
  train::SmallNet net({.dropout = 0.3, .batch_norm = true, .addressed_dropout = 0.2});
  Task task = train::task_of(net, {});
  task.data = train::random_splits(32);
  task.batch_size = 16;
  const auto parameters = train::copies(net.parameters()), buffers = train::copies(net.buffers());
  const at::Tensor generator = train::generator_state().clone();
  const Screen first = screen(task, {.screen = {.batches = 2, .least = 4, .most = 4}});
  EXPECT_TRUE(train::same_bits(net.parameters(), parameters));
  EXPECT_TRUE(train::same_bits(net.buffers(), buffers));
  EXPECT_TRUE(at::equal(train::generator_state(), generator));
  const Screen again = screen(task, {.screen = {.batches = 2, .least = 4, .most = 4}});
  for (std::size_t i = 0; i < first.sites.size(); ++i)
    EXPECT_EQ(first.sites[i].gain->estimate, again.sites[i].gain->estimate);
}

TEST(ScreenTest, VectorsAreDoubledUntilTheIntervalsAreNarrow) {
  train::SmallNet net;
  Task task = train::task_of(net, {});
  task.data = train::random_splits(64);
  task.batch_size = 8;
  const auto vectors = [&](double width) {
    return screen(task, {.screen = {.least = 4, .most = 48, .width = width}}).vectors;
  };
  EXPECT_EQ(vectors(1e9), 4);
  EXPECT_EQ(vectors(1e-9), 48);
  EXPECT_GT(vectors(0.3), 4);
}

TEST(ScreenTest, WhatAnOperatorReadsCanBeScreenedAndWhatItKeepsCannot) {
  struct Residual : torch::nn::Module {
    torch::nn::Linear f{register_module("f", torch::nn::Linear(train::kFeatures, train::kFeatures))};
    torch::nn::Linear head{register_module("head", torch::nn::Linear(train::kFeatures, train::kClasses))};
    at::Tensor forward(const at::Tensor& x) {
      const at::Tensor y = tap("in", at::tanh(x));
      return head(y + tap_operator(Site("f"), *f, y, [&](const at::Tensor& own) { return f(own); }));
    }
  };
  const auto net = std::make_shared<Residual>();
  net->to(at::kDouble);
  Task task;
  task.model = net;
  task.forward = [net](const data::Batch& batch) { return net->forward(batch.input()); };
  task.objective = train::make_objective("cross_entropy");
  task.data = train::random_splits(16);
  task.batch_size = 16;
  const Screen found = screen(task, {.sites = "*:[is]*[:input]*", .screen = {.least = 2, .most = 2}});
  ASSERT_EQ(found.sites.size(), 2U);
  EXPECT_EQ(found.sites[0].site, "f:input");
  EXPECT_TRUE(found.sites[0].gain.has_value());
  EXPECT_FALSE(found.sites[1].gain.has_value());  // nothing trains in front of it
  EXPECT_EQ(found.sites[1].reason, "it does not reach the gradient");
}

TEST(ScreenTest, AGlobWithoutASiteIsRefused) {
  train::SmallNet net;
  Task task = train::task_of(net, {});
  task.data = train::random_splits(16);
  task.sites.resize(2);
  task.sites[0].name = "fc1";
  try {
    CompareConfig config;
    config.sites = "layers.*";
    screen(task, config);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("expected compare.sites to match one of the model's 2 sites"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace gradquake::compare
