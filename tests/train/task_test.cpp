// Modules and losses of one's own, through the same door as the built-in networks.
#include "gradquake/train/task.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>

#include "gradquake/core/error.h"
#include "gradquake/train/evaluate.h"
#include "training.h"

namespace gradquake::train {
namespace {

constexpr std::int64_t kWords = 20, kSamples = 64;

// Two inputs, one of integers, and no base class of the library.
struct Reader : torch::nn::Module {
  Reader() {
    at::manual_seed(5);
    words = register_module("words", torch::nn::Embedding(kWords, 4));
    out = register_module("out", torch::nn::Linear(5, 1));
  }
  at::Tensor forward(const at::Tensor& tokens, const at::Tensor& length) {
    const at::Tensor mean = tap("words", words->forward(tokens).mean(1));
    return tap("out", out->forward(at::cat({mean, length.unsqueeze(1)}, 1))).squeeze(1);
  }
  torch::nn::Embedding words{nullptr};
  torch::nn::Linear out{nullptr};
};

// y = the number of words below 10, over 6, plus the length.
data::DataSplits sentences() {
  at::manual_seed(9);
  const at::Tensor tokens = at::randint(kWords, {kSamples, 6}, at::kLong), length = at::rand({kSamples});
  const at::Tensor target = tokens.lt(10).to(at::kFloat).mean(1) + length;
  const auto set =
      std::make_shared<data::TensorDataset>(data::Batch({{"tokens", tokens}, {"length", length}, {"target", target}}),
                                            data::DataShape{{6}, 0, std::vector<std::int64_t>{}});
  return {set, set};
}

Task reading_task(const std::shared_ptr<Reader>& net) {
  Task task;
  task.model = net;
  task.forward = [net](const data::Batch& batch) { return net->forward(batch["tokens"], batch["length"]); };
  task.data = sentences();
  task.objective = make_objective("mse");
  task.optimizer.spec = {"adam", {{"learning_rate", 0.02}}};
  task.steps = 600;
  task.batch_size = 16;
  return task;
}

std::string refusal(Task& task) {
  try {
    prepare(task);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TaskTest, AModuleWithSeveralInputsAndNumbersAsTargetsTrains) {
  Task task = reading_task(std::make_shared<Reader>());
  task.rules = {rule_at("words", Direction::kForward, 0.01, 7)};
  task.micro_batch = 5;
  prepare(task);
  ASSERT_EQ(task.sites.size(), 2);
  EXPECT_EQ(task.sites[0].name, "words");
  Recorder recorder;
  Trainer({}, task, {&recorder}).run();
  const EvaluationRecord& last = recorder.evaluations.back();
  EXPECT_LT(last.loss, 0.1 * recorder.records.front().loss);
  EXPECT_EQ(last.accuracy, std::nullopt);
  EXPECT_GT(last.metrics.at("r_squared"), 0.9);
}

TEST(TaskTest, AModuleWithoutATapHasItsOperatorsAsSites) {
  const auto net =
      std::make_shared<torch::nn::SequentialImpl>(torch::nn::Linear(1, 4), torch::nn::Tanh(), torch::nn::Linear(4, 1));
  Task task = reading_task(nullptr);
  task.model = net;
  task.forward = [net](const data::Batch& batch) { return net->forward(batch["length"].unsqueeze(1)).squeeze(1); };
  task.rules = {rule_at("0", Direction::kForward, 0.01, 7)};
  use_operator_sites(task);
  prepare(task);
  EXPECT_EQ(names_of(task.sites), (std::vector<std::string>{"0", "tanh.0", "2"}));
  ASSERT_EQ(task.notes.size(), 1U);
  EXPECT_EQ(task.notes[0], "operators whose outputs are no sites: a view (4); plan --json lists them");
  resolve(task);
  EXPECT_EQ(task.notes.size(), 1U);
  Recorder recorder;
  Trainer({}, task, {&recorder}).run();
  EXPECT_LT(recorder.evaluations.back().loss, recorder.records.front().loss);
}

// The same loss computed by the network's function: the same training, bit for bit, and no metric.
TEST(TaskTest, ALossOfOnesOwnIsWhatTheFunctionReturns) {
  const auto train = [](bool own) {
    const auto net = std::make_shared<Reader>();
    Task task = reading_task(net);
    if (own) {
      task.objective = make_objective("output");
      task.forward = [net](const data::Batch& batch) {
        return at::mse_loss(net->forward(batch["tokens"], batch["length"]), batch.target());
      };
    }
    task.steps = 20;
    prepare(task);
    Recorder recorder;
    Trainer({}, task, {&recorder}).run();
    EXPECT_EQ(recorder.evaluations.back().metrics.empty(), own);
    return copies(net->parameters());
  };
  EXPECT_TRUE(same_bits(train(true), train(false)));
}

TEST(TaskTest, WhatIsMissingOrDoesNotFitIsFoundByTheDryRun) {
  const auto net = std::make_shared<Reader>();
  Task none;
  EXPECT_EQ(refusal(none), "[train] expected a task with a model, got none");
  Task task = reading_task(net);
  task.forward = [net](const data::Batch& batch) { return net->forward(batch["words"], batch["length"]); };
  EXPECT_EQ(refusal(task), "[data] expected a batch with a tensor 'words', got one of tokens, length, target");
  task.forward = [net](const data::Batch& batch) { return net->words->forward(batch["tokens"]); };
  EXPECT_NE(refusal(task).find("objective mse: expected an output of the targets' size"), std::string::npos);
  task.forward = [](const data::Batch& batch) { return batch["length"]; };
  EXPECT_NE(refusal(task).find("depends on the parameters"), std::string::npos);
  task.name = "reader";
  task.forward = [net](const data::Batch& batch) {
    return net->forward(batch["tokens"], batch["length"].narrow(0, 0, 100));
  };
  const std::string error = refusal(task);
  EXPECT_EQ(error.rfind("[train] reader fails on one batch: ", 0), 0) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  task = reading_task(net);
  task.rules = {rule_at("nowhere", Direction::kForward)};
  EXPECT_NE(refusal(task).find("nowhere"), std::string::npos);
  task = reading_task(net);
  task.optimizer.spec.set("learning_rate", 1e300);
  EXPECT_EQ(refusal(task), "[train] expected a learning_rate of at most 3.40282e+38, the largest float32, got 1e+300");
  for (const at::Tensor& parameter : net->parameters()) parameter.set_requires_grad(false);
  task = reading_task(net);
  EXPECT_NE(refusal(task).find("a parameter that requires a gradient"), std::string::npos);
}

TEST(TaskTest, TheDryRunLeavesBuffersGeneratorAndGradientsAsTheyWere) {
  const auto net = std::make_shared<SmallNet>(SmallNetOptions{at::kFloat, 0.3, true, false});
  Task task = task_of(*net, {});
  task.data = random_splits(40, at::kFloat);
  const auto before = copies(net->buffers());
  const at::Tensor generator = generator_state();
  resolve(task);
  EXPECT_TRUE(same_bits(copies(net->buffers()), before));
  EXPECT_TRUE(at::equal(generator_state(), generator));
  for (const at::Tensor& parameter : net->parameters()) EXPECT_FALSE(parameter.grad().defined());
  EXPECT_EQ(task.sites.size(), 3);
}

TEST(TaskTest, ASplitBatchIsNotedWhereAKindDependsOnTheWhole) {
  const auto notes = [](KindSpec kind, std::optional<std::int64_t> micro_batch) {
    Task task = reading_task(std::make_shared<Reader>());
    task.micro_batch = micro_batch;
    Rule rule;
    rule.label = "r";
    rule.sites = "words";
    rule.perturbation = std::move(kind);
    task.rules = {rule};
    prepare(task);
    return task.notes;
  };
  EXPECT_TRUE(notes({"round", {{"format", "int8"}}}, std::nullopt).empty());
  EXPECT_TRUE(notes({"round", {{"format", "bf16"}}}, 4).empty());
  const std::vector<std::string> split = notes({"round", {{"format", "int8"}}}, 4);
  ASSERT_EQ(split.size(), 1U);
  EXPECT_EQ(split[0].find("rule r: rounds to int8"), 0U) << split[0];
}

}  // namespace
}  // namespace gradquake::train
