#include "gradquake/train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradquake/core/seeds.h"
#include "gradquake/train/evaluate.h"
#include "gradquake/train/gradient_norms.h"
#include "training.h"

namespace gradquake::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const SmallNetOptions kEverything{at::kFloat, 0.3, true, false}, kNormed{at::kFloat, 0, true, false};

std::vector<Rule> both_rules() {
  return {rule_at("fc1", Direction::kForward, 0.5, 2), rule_at("fc2", Direction::kBackward, 0.5, 3)};
}

double norm_of(const std::vector<at::Tensor>& tensors) {
  double sum = 0;
  for (const at::Tensor& tensor : tensors) sum += squared_norm(tensor);
  return std::sqrt(sum);
}

TEST(TrainerTest, TheShadowChangesNoBitOfTheTraining) {
  TrainingOptions options = options_of(12);
  options.optimizer.spec.set("momentum", 0.9);
  options.shadow_interval = 0;
  Training without(options, kEverything, both_rules());
  without.run();
  for (const std::int64_t interval : {1, 3}) {
    options.shadow_interval = interval;
    Training with(options, kEverything, both_rules());
    with.run();
    EXPECT_TRUE(same_bits(with.state(), without.state())) << interval;
    EXPECT_EQ(trained_numbers(with.recorder.records), trained_numbers(without.recorder.records)) << interval;
    EXPECT_EQ(with.recorder.evaluations[0].loss, without.recorder.evaluations[0].loss) << interval;
  }
}

TEST(TrainerTest, CleanValuesAreKnownExactlyWhereAShadowWasDue) {
  TrainingOptions options = options_of(12);
  options.shadow_interval = 3;
  Training training(options, kEverything, both_rules());
  for (const StepRecord& record : training.run().recorder.records) {
    const bool due = record.step % 3 == 0, fired = record.step % 2 == 0 || due;
    EXPECT_EQ(record.clean_loss.has_value(), due);
    EXPECT_EQ(record.clean_grad_norm.has_value(), due);
    EXPECT_EQ(record.grad_error.has_value(), due);
    EXPECT_EQ(record.layers.clean_grad.size(), due ? 4 : 0);
    EXPECT_EQ(record.layers.grad.size(), 4);
    EXPECT_EQ(!record.injections.empty(), fired);
    if (due) {
      EXPECT_GT(*record.grad_error, 0);
    }
  }
}

TEST(TrainerTest, WhereNoRuleFiresTheCleanValuesEqualTheOthers) {
  Training training(options_of(6), kEverything, {rule_at("fc1", Direction::kForward, 0.5, 2)});
  for (const StepRecord& record : training.run().recorder.records) {
    if (record.step % 2 == 0) continue;
    EXPECT_EQ(record.clean_loss, record.loss);
    EXPECT_EQ(record.clean_grad_norm, record.grad_norm);
    EXPECT_EQ(record.grad_error, 0);
  }
}

TEST(TrainerTest, APlanThatNeverFiresTrainsAsNoPlan) {
  Rule never = rule_at("*", Direction::kBoth);
  never.schedule.set("from", 1000);
  never.may_be_idle = true;
  Training with(options_of(12), kEverything, {never}), without(options_of(12), kEverything, {});
  with.run();
  without.run();
  EXPECT_TRUE(same_bits(with.state(), without.state()));
  EXPECT_EQ(trained_numbers(with.recorder.records), trained_numbers(without.recorder.records));
}

TEST(TrainerTest, EvaluationIsNeverPerturbedAndDisturbsNothing) {
  TrainingOptions options = options_of(6);
  const std::vector<Rule> rules{rule_at("*", Direction::kForward, 100)};
  Training rare(options, kEverything, rules);
  rare.run();
  options.evaluate_interval = 1;
  Training often(options, kEverything, rules);
  often.run();
  EXPECT_TRUE(same_bits(often.state(), rare.state()));
  ASSERT_EQ(often.recorder.evaluations.size(), 6);
  for (const StepRecord& record : often.recorder.records) EXPECT_EQ(record.injections.size(), 3);

  const data::Batch all = random_batch(40, at::kFloat);
  often.net.eval();
  const at::Tensor output = often.net.forward(all.input());
  const double loss = at::cross_entropy_loss(output, all.target()).item<double>();
  EXPECT_NEAR(often.recorder.evaluations.back().loss, loss, 1e-6 * loss);
  EXPECT_EQ(often.recorder.evaluations.back().accuracy,
            output.argmax(1).eq(all.target()).to(at::kDouble).mean().item<double>());
}

TEST(TrainerTest, EvaluationsComeAtTheirIntervalAndOnceAtTheEnd) {
  for (const std::int64_t steps : {9, 10}) {
    TrainingOptions options = options_of(steps);
    options.evaluate_interval = 5;
    Training training(options, {}, {});
    training.run();
    ASSERT_EQ(training.recorder.evaluations.size(), 2);
    EXPECT_EQ(training.recorder.evaluations[0].step, 5);
    EXPECT_EQ(training.recorder.evaluations[1].step, steps);
  }
}

TEST(TrainerTest, EvaluationPutsEveryModuleBackIntoItsOwnMode) {
  SmallNet net(kEverything);
  net.named_modules("", false)["norm"]->eval();
  evaluate(task_of(net, {}), *random_splits(40, at::kFloat).test, 0);
  EXPECT_TRUE(net.is_training());
  EXPECT_TRUE(net.named_modules("", false)["fc1"]->is_training());
  EXPECT_FALSE(net.named_modules("", false)["norm"]->is_training());
}

TEST(TrainerTest, ARecordSaysEpochRateLayersAndWhatWasInjected) {
  TrainingOptions options = options_of(12);
  options.optimizer.schedule = KindSpec("inverse_sqrt");
  Training training(options, {}, {rule_at("fc1", Direction::kForward, 0.5, 4)});
  training.run();
  const Recorder& seen = training.recorder;
  EXPECT_EQ(seen.run.layers, (std::vector<std::string>{"fc1", "fc2", "head"}));
  EXPECT_EQ(seen.run.steps_per_epoch, 5);
  EXPECT_EQ(seen.run.steps, 12);
  ASSERT_EQ(seen.records.size(), 12);
  for (std::int64_t t = 0; t < 12; ++t) {
    const StepRecord& record = seen.records[static_cast<std::size_t>(t)];
    EXPECT_EQ(record.step, t);
    EXPECT_EQ(record.epoch, t / 5);
    EXPECT_DOUBLE_EQ(record.learning_rate, 0.2 / std::sqrt(1.0 + static_cast<double>(t)));
    EXPECT_EQ(record.forward_fired, t % 4 == 0);
    ASSERT_EQ(record.injections.size(), t % 4 == 0 ? 1 : 0);
    if (t % 4 != 0) continue;
    EXPECT_EQ(record.injections[0].step, t);
    EXPECT_EQ(record.injections[0].site, "fc1");
    EXPECT_EQ(record.injections[0].elements, 8 * kHidden);
  }
  EXPECT_EQ(seen.end->steps, 12);
  EXPECT_EQ(seen.end->final_loss, seen.records.back().loss);
}

// Plain SGD with everything on: w <- w - rate * min(1, clip / ||u~ + r||) (u~ + r), r exact whatever the rules do.
TEST(TrainerTest, AnUpdateIsThatOfThePerturbedGradientWithTheExactRegulariserClipped) {
  for (const std::string kind : {"l2", "nonconvex"}) {
    TrainingOptions options = options_of(4);
    options.regularizer = {kind, 0.3};
    options.optimizer.clip_norm = 0.5;
    options.optimizer.spec.set("weight_decay", 0.1);
    Training training(options, {}, {rule_at("*", Direction::kForward, 2), rule_at("*", Direction::kBackward, 2)});
    std::vector<at::Tensor> expected;
    training.recorder.on_step = [&](const StepRecord& record, const StepView& view) {
      const auto now = copies(view.parameters);
      if (!expected.empty()) {
        EXPECT_LT(largest_difference(now, expected), 1e-15);
      }
      std::vector<at::Tensor> gradient;
      double penalty = 0;
      for (std::size_t i = 0; i < now.size(); ++i) {
        const at::Tensor w = now[i], squared = w.square();
        gradient.push_back(view.perturbed[i] + (kind == "l2" ? 0.6 * w : 0.6 * w / (1 + squared).square()));
        penalty += 0.3 * (kind == "l2" ? squared : squared / (1 + squared)).sum().item<double>();
      }
      EXPECT_NEAR(record.grad_norm, norm_of(gradient), 1e-13 * record.grad_norm);
      EXPECT_GT(record.grad_norm, 0.5);
      EXPECT_GT(record.loss, penalty);
      expected.clear();
      for (std::size_t i = 0; i < now.size(); ++i) {
        const at::Tensor update = gradient[i] * (0.5 / record.grad_norm) + 0.1 * now[i];
        expected.push_back(now[i] - record.learning_rate * update);
      }
    };
    training.run();
    EXPECT_LT(largest_difference(training.net.parameters(), expected), 1e-15);
  }
}

TEST(TrainerTest, AFrozenLayerIsLeftAloneAndIsNoLayerOfTheRecords) {
  TrainingOptions options = options_of(5);
  options.optimizer.spec.set("weight_decay", 0.1);
  options.optimizer.gradient_noise = 0.1;
  SmallNet net;
  net.parameters()[0].set_requires_grad(false);
  net.parameters()[1].set_requires_grad(false);
  const auto before = copies(net.parameters());
  Recorder recorder;
  Task task = task_of(net, options, both_rules(), random_splits(40));
  Trainer(options, task, {&recorder}).run();
  EXPECT_EQ(recorder.run.layers, (std::vector<std::string>{"fc2", "head"}));
  const auto after = net.parameters();
  EXPECT_TRUE(at::equal(after[0], before[0]) && at::equal(after[1], before[1]));
  for (std::size_t i = 2; i < after.size(); ++i) EXPECT_FALSE(at::equal(after[i], before[i]));
}

TEST(TrainerTest, CallbacksAreToldInTheirOrder) {
  struct Told : Callback {
    Told(std::string& log, char name) : log_(log), name_(name) {}
    void on_start(const RunInfo&) override { add("start"); }
    void before_update(const StepRecord&, const StepView&) override { add("step"); }
    void on_evaluation(const EvaluationRecord&) override { add("evaluation"); }
    void on_finish(const RunEnd&) override { add("finish"); }
    void add(const std::string& what) { log_ += name_ + what + ' '; }
    std::string& log_;
    char name_;
  };
  std::string log;
  Told a(log, 'a'), b(log, 'b');
  SmallNet net;
  TrainingOptions options = options_of(2);
  options.evaluate_interval = 1;
  Task task = task_of(net, options, {}, random_splits(40));
  Trainer(options, task, {&a, &b}).run();
  EXPECT_EQ(log,
            "astart bstart astep bstep aevaluation bevaluation astep bstep aevaluation bevaluation afinish bfinish ");
}

TEST(TrainerTest, TheLossOfARecordIsTheDataTermPlusThePenalty) {
  TrainingOptions options = options_of(1);
  Training plain(options, {}, {});
  options.regularizer = {"l2", 0.3};
  Training regularized(options, {}, {});
  const double penalty = regularizer_loss({"l2", 0.3}, plain.net.parameters()).item<double>();
  plain.run();
  regularized.run();
  EXPECT_NEAR(regularized.recorder.records[0].loss - plain.recorder.records[0].loss, penalty, 1e-14);
  EXPECT_EQ(regularized.recorder.records[0].clean_loss, regularized.recorder.records[0].loss);
}

TEST(TrainerTest, GradientNoiseMovesTheWeightsByItsOwnStreamAndNoRecordOfTheStep) {
  TrainingOptions options = options_of(1);
  Training plain(options, kEverything, both_rules());
  plain.run();
  const at::Tensor generator = generator_state();
  options.optimizer.gradient_noise = 0.1;
  Training noisy(options, kEverything, both_rules());
  noisy.run();
  EXPECT_TRUE(at::equal(generator_state(), generator));
  EXPECT_EQ(trained_numbers(noisy.recorder.records), trained_numbers(plain.recorder.records));
  std::vector<at::Tensor> zeros;
  for (const at::Tensor& w : plain.net.parameters()) zeros.push_back(at::zeros_like(w));
  const auto xi = add_gradient_noise(zeros, 0.1, named_seed(options.seed, "gradient_noise"), 0);
  for (std::size_t i = 0; i < xi.size(); ++i) {
    const at::Tensor moved = noisy.net.parameters()[i] - plain.net.parameters()[i];
    EXPECT_LT((moved + 0.2 * xi[i]).abs().max().item<double>(), 1e-6);
  }
}

// One inf among the inputs of batch-norm, at step 4.
void poison_step_4(Training& training) {
  training.net.poison = [&training](const at::Tensor& y) {
    if (training.trainer.steps_made() != 4) return y;
    at::Tensor burst = at::zeros_like(y);
    burst[0][0] = kInfinity;
    return y + burst;
  };
}

TEST(TrainerTest, AnInfiniteActivationStopsTheRunBeforeTheUpdateAndNamesTheLayer) {
  TrainingOptions options = options_of(10);
  options.optimizer.spec.set("momentum", 0.9);
  Training training(options, kNormed, {});
  poison_step_4(training);
  std::vector<at::Tensor> before;
  training.recorder.on_step = [&](const StepRecord&, const StepView& view) { before = copies(view.parameters); };
  training.run();
  ASSERT_EQ(training.recorder.records.size(), 5);
  const StepRecord& last = training.recorder.records.back();
  EXPECT_FALSE(last.finite);
  EXPECT_EQ(last.nonfinite_at, "fc1");
  EXPECT_TRUE(last.weights_finite);
  EXPECT_TRUE(same_bits(training.net.parameters(), before));
  EXPECT_TRUE(training.recorder.end->stopped_nonfinite);
  EXPECT_EQ(training.recorder.end->steps, 5);
  EXPECT_FALSE(std::isfinite(training.recorder.end->final_loss));
}

TEST(TrainerTest, ASkippedStepLeavesWeightsBuffersAndMomentumAsTheyWere) {
  TrainingOptions options = options_of(5);
  options.optimizer.spec.set("momentum", 0.9);
  options.on_nonfinite = OnNonfinite::kSkip;
  Training skipped(options, kNormed, both_rules());
  poison_step_4(skipped);
  options.steps = 4;
  Training shorter(options, kNormed, both_rules());
  skipped.run();
  shorter.run();
  EXPECT_FALSE(skipped.recorder.records.back().finite);
  EXPECT_FALSE(skipped.recorder.end->stopped_nonfinite);
  EXPECT_TRUE(same_bits(skipped.state(), shorter.state()));
}

TEST(TrainerTest, AStoppedRunKeepsTheBuffersOfBeforeTheBadStep) {
  Training stopped(options_of(10), kNormed, both_rules()), shorter(options_of(4), kNormed, both_rules());
  poison_step_4(stopped);
  stopped.run();
  shorter.run();
  EXPECT_TRUE(stopped.recorder.end->stopped_nonfinite);
  EXPECT_TRUE(same_bits(stopped.state(), shorter.state()));
}

TEST(TrainerTest, SkippedStepsAreCounted) {
  TrainingOptions options = options_of(10);
  EXPECT_EQ(Training(options, kNormed, {}).run().recorder.end->skipped_steps, 0);
  options.on_nonfinite = OnNonfinite::kSkip;
  Training one(options, kNormed, {});
  poison_step_4(one);
  EXPECT_EQ(one.run().recorder.end->skipped_steps, 1);
  Training all(options, kNormed, {});
  all.net.poison = [](const at::Tensor& y) { return y * kInfinity; };
  EXPECT_EQ(all.run().recorder.end->skipped_steps, 10);
}

TEST(TrainerTest, SkippingTrainsOnAndStaysFinite) {
  TrainingOptions options = options_of(10);
  options.on_nonfinite = OnNonfinite::kSkip;
  Training training(options, kNormed, both_rules());
  poison_step_4(training);
  training.run();
  ASSERT_EQ(training.recorder.records.size(), 10);
  for (const StepRecord& record : training.recorder.records) EXPECT_EQ(record.finite, record.step != 4);
  for (const at::Tensor& tensor : training.state()) EXPECT_TRUE(tensor.isfinite().all().item<bool>());
}

// Running mean: 0.9 x before + 0.1 x batch mean, and the batch mean moves by the constant added.
TEST(TrainerTest, AFinitePerturbedForwardMovesTheRunningStatisticsOnce) {
  Rule rule = rule_at("fc1", Direction::kForward);
  rule.perturbation.kind = "constant";
  Training clean(options_of(1), kNormed, {}), perturbed(options_of(1), kNormed, {rule});
  clean.run();
  perturbed.run();
  const auto before = clean.net.named_buffers(), after = perturbed.net.named_buffers();
  const at::Tensor moved = after["norm.running_mean"] - before["norm.running_mean"];
  EXPECT_LT((moved - 0.05).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(after["norm.num_batches_tracked"].item<std::int64_t>(), 1);
}

// The squares of a weight that the data term does not reach overflow float32; its regulariser's gradient does not.
TEST(TrainerTest, AnInfiniteLossWithFiniteGradientsIsFoundInTheLoss) {
  TrainingOptions options = options_of(3);
  options.regularizer = {"l2", 0.1};
  Training training(options, {at::kFloat, 0, false, true}, {});
  {
    const at::NoGradGuard no_grad;
    training.net.parameters().back().fill_(1e20);
  }
  training.run();
  ASSERT_EQ(training.recorder.records.size(), 1);
  const StepRecord& record = training.recorder.records[0];
  EXPECT_TRUE(std::isinf(record.loss));
  EXPECT_TRUE(std::isfinite(record.grad_norm));
  EXPECT_FALSE(record.finite);
  EXPECT_EQ(record.nonfinite_at, "loss");
  EXPECT_TRUE(record.weights_finite);
}

TEST(TrainerTest, WeightsThatAreAlreadyNonFiniteAreSaidToBe) {
  Training training(options_of(3), {}, {});
  {
    const at::NoGradGuard no_grad;
    training.net.parameters()[2].mul_(kInfinity);
  }
  training.run();
  EXPECT_FALSE(training.recorder.records[0].weights_finite);
  EXPECT_TRUE(training.recorder.end->stopped_nonfinite);
}

}  // namespace
}  // namespace gradquake::train
