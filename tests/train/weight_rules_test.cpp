// Rules whose target is a weight or its gradient.
#include "gradquake/hooks/weights.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/gradient_pass.h"
#include "small_net.h"

namespace gradquake::train {
namespace {

constexpr std::int64_t kRows = 12, kStep = 3;

Rule weight_rule(const std::string& names, Target target, KindSpec kind = {"gaussian", {{"scale", 0.25}}}) {
  Rule rule;
  rule.label = "weights";
  rule.sites = names;
  rule.target = target;
  if (target == Target::kWeightGradient) rule.direction = Direction::kBackward;
  rule.perturbation = std::move(kind);
  return rule;
}

// The draws of the rule at a parameter.
at::Tensor noise_at(const std::string& name, const at::Tensor& like, Direction direction) {
  const at::Tensor noise = at::zeros_like(like);
  const Stream stream = make_stream(stream_key(5, 0, name, direction, "weights"), kStep, 0);
  add_noise(Variate::kGaussian, noise.const_data_ptr<double>(), noise.mutable_data_ptr<double>(),
            static_cast<std::size_t>(noise.numel()), 0.0, 0.25, stream, 0);
  return noise;
}

StepGradients pass_of(SmallNet& net, std::vector<Rule> rules, bool shadow,
                      std::optional<std::int64_t> micro_batch = std::nullopt) {
  Task task = task_of(net, std::move(rules));
  task.micro_batch = micro_batch;
  return GradientPass(task, net.parameters()).compute(random_batch(kRows), kStep, shadow);
}

TEST(WeightRulesTest, TheGradientIsThatAtThePerturbedWeightAndTheWeightIsPutBack) {
  SmallNet net, moved;
  const std::vector<at::Tensor> before = copies(net.parameters());
  const StepGradients gradients = pass_of(net, {weight_rule("fc2.weight", Target::kWeight)}, true);
  EXPECT_TRUE(same_bits(copies(net.parameters()), before));
  {
    const at::NoGradGuard no_grad;
    at::Tensor weight = moved.named_parameters()["fc2.weight"];
    weight.add_(noise_at("fc2.weight", weight, Direction::kForward));
  }
  const StepGradients expected = pass_of(moved, {}, false);
  EXPECT_LT(largest_difference(gradients.perturbed, expected.perturbed), 1e-14);
  EXPECT_NEAR(gradients.loss, expected.loss, 1e-14);
  SmallNet untouched;
  const StepGradients clean = pass_of(untouched, {}, false);
  EXPECT_TRUE(same_bits(gradients.clean, clean.perturbed));
  EXPECT_EQ(gradients.clean_loss, clean.loss);
}

TEST(WeightRulesTest, AWeightsGradientGetsItsDrawsAndNoOther) {
  SmallNet net;
  const StepGradients clean = pass_of(net, {}, false);
  const StepGradients noisy = pass_of(net, {weight_rule("fc2.*", Target::kWeightGradient)}, true);
  const model::TrainedParameters parameters = model::trained_parameters(net);
  EXPECT_TRUE(same_bits(noisy.clean, clean.perturbed));
  EXPECT_TRUE(noisy.backward_fired);
  EXPECT_FALSE(noisy.forward_fired);
  for (std::size_t i = 0; i < parameters.names.size(); ++i) {
    const std::string& name = parameters.names[i];
    at::Tensor expected = clean.perturbed[i];
    if (name.starts_with("fc2.")) expected = expected + noise_at(name, expected, Direction::kBackward);
    EXPECT_TRUE(at::allclose(noisy.perturbed[i], expected, 0, 1e-15)) << name;
  }
}

TEST(WeightRulesTest, MicroBatchesMeetTheSameWeights) {
  SmallNet net;
  const std::vector<Rule> rules = {weight_rule("*", Target::kWeight)};
  const StepGradients whole = pass_of(net, rules, false), parts = pass_of(net, rules, false, 5);
  EXPECT_LT(largest_difference(whole.perturbed, parts.perturbed), 1e-14);
}

TEST(WeightRulesTest, AnExceptionInThePassPutsTheWeightsBack) {
  SmallNet net;
  const std::vector<at::Tensor> before = copies(net.parameters());
  net.poison = [](const at::Tensor&) -> at::Tensor { throw std::runtime_error("broken"); };
  EXPECT_THROW(pass_of(net, {weight_rule("*", Target::kWeight)}, false), std::runtime_error);
  EXPECT_TRUE(same_bits(copies(net.parameters()), before));
}

TEST(WeightRulesTest, TheLedgerNamesTheParameter) {
  SmallNet net;
  Task task = task_of(net, {});
  std::vector<Rule> rules = {weight_rule("fc1.weight", Target::kWeight),
                             weight_rule("head.bias", Target::kWeightGradient)};
  rules[1].label = "gradients";
  task.plan = plan_of(rules);
  GradientPass(task, net.parameters()).compute(random_batch(kRows), kStep, true);
  const std::vector<InjectionRecord> entries = task.plan->ledger().take_entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].site, "fc1.weight");
  EXPECT_EQ(entries[0].direction, "forward");
  EXPECT_EQ(entries[1].site, "head.bias");
  EXPECT_EQ(entries[1].direction, "backward");
  EXPECT_TRUE(task.plan->ledger().warnings().empty());
}

TEST(WeightRulesTest, MistakesComeOutWhenTheTaskIsPrepared) {
  const auto message = [](Rule rule) -> std::string {
    SmallNet net;
    Task task = task_of(net, {});
    task.data = random_splits(32);
    task.batch_size = 8;
    task.rules = {std::move(rule)};
    try {
      prepare(task);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  const auto expect = [&](Rule rule, const std::vector<std::string>& parts) {
    const std::string got = message(std::move(rule));
    for (const std::string& part : parts) EXPECT_NE(got.find(part), std::string::npos) << part << " in: " << got;
  };
  EXPECT_EQ(message(weight_rule("fc?.weight", Target::kWeight)), "");
  expect(weight_rule("fc3.weight", Target::kWeight), {"parameters, nearest 'fc1.weight'", "'fc3.weight'"});
  expect(weight_rule("fc1", Target::kWeight), {"parameters"});
  expect(weight_rule("*", Target::kWeight, {"gaussian", {{"draw", "per_sample"}}}),
         {"at weight 'fc1.weight'", "a batch dimension that holds every sample"});
  Rule backward = weight_rule("*", Target::kWeight);
  backward.direction = Direction::kBackward;
  expect(backward, {"direction forward with target weight", "backward"});
  Rule masked = weight_rule("*", Target::kWeight);
  masked.gradient = Gradient::kZeroWhereChanged;
  expect(masked, {"gradient identity with target weight", "zero_where_changed"});
}

}  // namespace
}  // namespace gradquake::train
