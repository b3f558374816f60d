// Rules with a memory in training: what moves it, what leaves it alone, and how it is resumed.
#include "gradquake/hooks/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/curvature/hessian_operator.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/rule_error.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/evaluate.h"
#include "training.h"

namespace gradquake::train {
namespace {

namespace fs = std::filesystem;

Rule remembering(const std::string& sites, Direction direction, KindSpec kind) {
  Rule rule;
  rule.label = sites + " " + kind.kind + " " + to_text(direction);
  rule.sites = sites;
  rule.direction = direction;
  rule.perturbation = std::move(kind);
  return rule;
}

Rule of_gradients(KindSpec kind) {
  Rule rule = remembering("*", Direction::kBackward, std::move(kind));
  rule.target = Target::kWeightGradient;
  return rule;
}

const KindSpec kTopKOfTensor = {"top_k", {{"share", 0.2}, {"of", "tensor"}}};

// One of each, at sites in both directions and on the gradients of the weights.
std::vector<Rule> rules_of_each() {
  return {remembering("fc1", Direction::kForward, {"stale", {{"steps", 2}}}),
          remembering("fc2", Direction::kBoth, {"delta", {{"of", KindSpec{"round", {{"format", "e4m3fn"}}}}}}),
          remembering("head", Direction::kBackward, "error_feedback"),
          of_gradients({"error_feedback", {{"of", kTopKOfTensor}}})};
}

StepGradients gradients_of(const Task& task, SmallNet& net, std::int64_t step, bool shadow = false) {
  return GradientPass(task, net.parameters()).compute(random_batch(12), step, shadow);
}

TEST(MemoryRulesTest, AShadowAnEvaluationAndACurvatureProductMoveNoMemory) {
  SmallNet net, beside;
  Task task = task_of(net, rules_of_each()), watched = task_of(beside, rules_of_each());
  task.data = watched.data = random_splits(40);
  for (std::int64_t step = 0; step < 4; ++step) {
    const StepGradients plain = gradients_of(task, net, step);
    {
      const curvature::StateGuard guard(beside);
      const std::vector<at::Tensor> parameters = beside.parameters();
      curvature::HessianOperator hessian(
          [&] {
            const data::Batch batch = random_batch(12);
            return watched.objective->loss(watched.forward(batch), batch);
          },
          parameters);
    }
    const StepGradients shadowed = gradients_of(watched, beside, step, true);
    evaluate(watched, *watched.data.test, step);
    EXPECT_TRUE(same_bits(plain.perturbed, shadowed.perturbed)) << step;
    EXPECT_EQ(task.plan->memory().save(), watched.plan->memory().save()) << step;
  }
}

// Evaluated under its rules a network does what it does at a first visit: other samples, no memory.
TEST(MemoryRulesTest, AnEvaluationUnderTheRulesNeitherUsesTheMemoryNorMovesIt) {
  SmallNet net;
  Task task = task_of(net, {remembering("fc1", Direction::kForward, "delta")});
  task.data = random_splits(40);
  const double before = evaluate(task, *task.data.test, 0, task.plan.get()).loss;
  EXPECT_EQ(task.plan->memory().bytes(0), 0);
  for (std::int64_t step = 0; step < 3; ++step) gradients_of(task, net, step);
  const std::string saved = task.plan->memory().save();
  EXPECT_EQ(evaluate(task, *task.data.test, 0, task.plan.get()).loss, before);
  EXPECT_NE(before, evaluate(task, *task.data.test, 0).loss);
  EXPECT_EQ(task.plan->memory().save(), saved);
}

// Backward rules alone share their forward pass with the shadow: its backward call comes first, under a pause.
TEST(MemoryRulesTest, AShadowThatSharesTheForwardPassMovesNoMemory) {
  SmallNet net, beside;
  const std::vector<Rule> rules = {remembering("*", Direction::kBackward, {"stale", {{"steps", 1}}})};
  Task task = task_of(net, rules), watched = task_of(beside, rules);
  for (std::int64_t step = 0; step < 3; ++step) {
    const StepGradients plain = gradients_of(task, net, step), shadowed = gradients_of(watched, beside, step, true);
    EXPECT_TRUE(same_bits(plain.perturbed, shadowed.perturbed)) << step;
    EXPECT_EQ(task.plan->memory().save(), watched.plan->memory().save()) << step;
  }
}

TEST(MemoryRulesTest, AStepComputedTwiceHasTheSameBits) {
  SmallNet net, beside;
  Task once = task_of(net, rules_of_each()), twice = task_of(beside, rules_of_each());
  for (std::int64_t step = 0; step < 4; ++step) {
    const StepGradients first = gradients_of(once, net, step);
    gradients_of(twice, beside, step);
    EXPECT_TRUE(same_bits(first.perturbed, gradients_of(twice, beside, step).perturbed)) << step;
  }
}

TEST(MemoryRulesTest, MicroBatchesRememberTheirSamples) {
  SmallNet net, beside;
  std::vector<Rule> rules = rules_of_each();
  rules.pop_back();  // of sums of parts, which round otherwise
  Task whole = task_of(net, rules), split = task_of(beside, rules);
  split.micro_batch = 5;
  for (std::int64_t step = 0; step < 4; ++step) {
    const StepGradients a = gradients_of(whole, net, step), b = gradients_of(split, beside, step);
    EXPECT_LT(largest_difference(a.perturbed, b.perturbed), 1e-14) << step;
  }
}

// A gradient that is one step old: w_{t+1} = w_t - gamma u(w_{t-1}).
TEST(MemoryRulesTest, StaleWeightGradientsAreDelayedDescent) {
  const TrainingOptions options = options_of(5);
  Training delayed(options, {}, {of_gradients("stale")});
  std::vector<std::vector<at::Tensor>> clean, weights;
  delayed.recorder.on_step = [&](const StepRecord&, const StepView& view) {
    clean.push_back(copies(view.clean));
    weights.push_back(copies(view.parameters));
  };
  delayed.run();
  weights.push_back(copies(delayed.net.parameters()));
  for (std::size_t step = 0; step < 5; ++step) {
    const std::vector<at::Tensor>& sent = clean[step == 0 ? 0 : step - 1];
    for (std::size_t i = 0; i < sent.size(); ++i)
      EXPECT_TRUE(at::allclose(weights[step + 1][i], weights[step][i] - 0.2 * sent[i], 0, 1e-15)) << step;
  }
}

// The memory as it is after each step.
struct MemoryWatch : Callback {
  explicit MemoryWatch(const Task& watched) : task(watched) {}
  void on_evaluation(const EvaluationRecord&) override { saved.push_back(task.plan->memory().save()); }
  void on_finish(const RunEnd& end) override { skipped = end.skipped_steps; }
  const Task& task;
  std::vector<std::string> saved;
  std::int64_t skipped = 0;
};

// Infinities that one step left would stay in a sum for ever.
TEST(MemoryRulesTest, WhatASkippedStepKeptIsForgotten) {
  TrainingOptions options = options_of(12);
  options.on_nonfinite = OnNonfinite::kSkip;
  options.evaluate_interval = 1;
  SmallNet net;
  Task task = task_of(net, options, rules_of_each(), random_splits(40));
  MemoryWatch watch(task);
  Trainer trainer(options, task, {&watch});
  net.poison = [&](const at::Tensor& y) { return trainer.steps_made() == 6 ? y / at::zeros_like(y) : y; };
  trainer.run();
  EXPECT_EQ(watch.skipped, 1);
  ASSERT_EQ(watch.saved.size(), 12U);
  EXPECT_EQ(watch.saved[6], watch.saved[5]);
  EXPECT_NE(watch.saved[7], watch.saved[6]);
}

TEST(MemoryRulesTest, WhatBreaksTheLimitInARunIsNamedWithItsStep) {
  Rule rule = remembering("fc1", Direction::kForward, {"stale", {{"limit_mb", 1e-3}}});  // 1048 bytes, of 64 a sample
  Training training(options_of(10), {}, {rule});
  try {
    training.run();
    FAIL();
  } catch (const UserError& error) {
    const std::string message = error.what();
    for (const char* part : {"step 2: ", "'fc1'", "rule 'fc1 stale forward'", "limit_mb", "0.00146484 MB"})
      EXPECT_NE(message.find(part), std::string::npos) << message;
  }
}

// What a task is refused with, and about which key.
std::string refused(Rule rule, std::int64_t batch_size, std::optional<std::int64_t> micro_batch = std::nullopt) {
  SmallNet net;
  Task task = task_of(net, {});
  task.data = random_splits(40);
  task.batch_size = batch_size;
  task.micro_batch = micro_batch;
  task.rules = {std::move(rule)};
  try {
    resolve(task);
  } catch (const RuleError& error) {
    return error.key() + ": " + error.what();
  }
  return "";
}

TEST(MemoryRulesTest, AMemoryOfTheTensorAsksForTheWholeDataSetInOneBatch) {
  const Rule rule = remembering("fc1", Direction::kBoth, {"delta", {{"memory", "per_tensor"}}});
  EXPECT_EQ(refused(rule, 40), "");
  EXPECT_EQ(refused(rule, 64, 40), "");
  EXPECT_EQ(
      refused(rule, 39),
      "memory: [train] expected memory per_sample in rule fc1 delta both, or all 40 samples of the data set in one "
      "batch, got per_tensor and 39 samples at once, which are others at every step");
  EXPECT_NE(refused(rule, 40, 20).find("got per_tensor and 20 samples at once"), std::string::npos);
  EXPECT_EQ(refused(remembering("fc1", Direction::kBoth, "delta"), 8, 3), "");
  EXPECT_EQ(refused(of_gradients({"error_feedback", {{"of", kTopKOfTensor}}}), 8, 3), "");
}

TEST(MemoryRulesTest, TheLimitIsForeseenFromTheSizeOfTheDataSet) {
  Rule rule = remembering("fc?", Direction::kForward, {"stale", {{"limit_mb", 4e-3}}});  // 4194 bytes, of 128 a sample
  EXPECT_EQ(
      refused(rule, 8),
      "limit_mb: [hooks] expected rule 'fc? stale forward' to remember at most 0.004 MB, got 0.00488281 MB for 40 "
      "samples, of which 0.00244141 MB at 'fc1', forward");
  rule.perturbation.set("limit_mb", 5e-3);
  EXPECT_EQ(refused(rule, 8), "");
}

class MemoryResumeTest : public testing::Test {
 protected:
  ~MemoryResumeTest() override { fs::remove_all(folder_); }

  TrainingOptions options(std::int64_t steps) const {
    TrainingOptions result = options_of(steps);
    result.checkpoint_interval = 7;
    result.checkpoint_keep = 100;
    result.checkpoint_folder = folder_;
    return result;
  }
  CheckpointSections checkpoint(std::int64_t step) const {
    std::string reason;
    const auto sections = read_checkpoint(checkpoint_path(folder_, step), &reason);
    EXPECT_TRUE(sections) << step << ": " << reason;
    return sections.value_or(CheckpointSections());
  }
  // One line of what a fresh run with these rules says of the checkpoint; its state is as it was.
  std::string refusal(const std::vector<Rule>& rules, const CheckpointSections& sections) const {
    Training training(options(30), net_, rules);
    const auto before = copies(training.state());
    std::string message;
    try {
      training.trainer.restore(sections);
    } catch (const UserError& error) {
      message = error.what();
    }
    EXPECT_TRUE(same_bits(training.state(), before));
    EXPECT_EQ(training.trainer.steps_made(), 0);
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }

  const SmallNetOptions net_{at::kFloat, 0.3, true, false};
  const fs::path folder_ = [] {
    const fs::path path =
        fs::path(testing::TempDir()) /
        ("gradquake-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(path);
    return path;
  }();
};

TEST_F(MemoryResumeTest, EveryCheckpointContinuesTheRunBitForBit) {
  Training unbroken(options(30), net_, rules_of_each());
  unbroken.run();
  const auto numbers = trained_numbers(unbroken.recorder.records);
  for (const std::int64_t step : {7, 14, 21, 28}) {
    Training resumed(options(30), net_, rules_of_each());
    at::manual_seed(4321);
    resumed.trainer.restore(checkpoint(step));
    resumed.trainer.run();
    EXPECT_TRUE(same_bits(resumed.state(), unbroken.state())) << step;
    const std::vector<std::pair<double, double>> rest(numbers.begin() + step, numbers.end());
    EXPECT_EQ(trained_numbers(resumed.recorder.records), rest) << step;
    EXPECT_EQ(resumed.task.plan->memory().save(), unbroken.task.plan->memory().save()) << step;
  }
}

TEST_F(MemoryResumeTest, OnlyRulesWithAMemoryAddOneToACheckpoint) {
  Training(options(7), net_, {rule_at("fc1", Direction::kForward)}).run();
  EXPECT_EQ(checkpoint(7).count("memory"), 0U);
  Training(options(7), net_, rules_of_each()).run();
  EXPECT_EQ(checkpoint(7).count("memory"), 1U);
}

TEST_F(MemoryResumeTest, ACheckpointWithoutTheMemoryOrWithAnotherIsRefusedAndNothingIsRestored) {
  Training(options(7), net_, rules_of_each()).run();
  const CheckpointSections whole = checkpoint(7);
  CheckpointSections lacking = whole, damaged = whole;
  lacking.erase("memory");
  damaged["memory"].resize(100);
  EXPECT_EQ(refusal(rules_of_each(), lacking),
            "[train] expected a checkpoint with a memory of the rules, got one without it");
  EXPECT_EQ(refusal({rule_at("fc1", Direction::kForward)}, whole),
            "[train] expected a checkpoint without a memory of the rules, got one with it");
  EXPECT_NE(
      refusal({rules_of_each()[0]}, whole).find("expected the memory of this plan's rules, got that of rule 'fc2"),
      std::string::npos);
  EXPECT_NE(refusal(rules_of_each(), damaged).find("got a damaged one"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::train
