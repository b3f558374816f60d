#include "gradquake/train/gradient_pass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <mutex>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/perturbation.h"
#include "small_net.h"

namespace gradquake::train {
namespace {

constexpr std::int64_t kRows = 12;
const SmallNetOptions kEverything{at::kFloat, 0.4, true, false, 0.3};

// One pass from the same start: the same weights, buffers and generator each time.
struct Result {
  StepGradients gradients;
  std::vector<at::Tensor> buffers;
  at::Tensor generator;
  int forwards = 0;
  std::vector<InjectionRecord> entries;
};

Result pass_of(std::vector<Rule> rules, bool shadow, const SmallNetOptions& options = kEverything,
               std::optional<std::int64_t> micro_batch = std::nullopt) {
  SmallNet net(options);
  Task task = task_of(net, std::move(rules));
  task.micro_batch = micro_batch;
  GradientPass pass(task, net.parameters());
  const data::Batch batch = random_batch(kRows, options.dtype);
  at::manual_seed(21);
  Result result;
  result.gradients = pass.compute(batch, 0, shadow);
  result.buffers = copies(net.buffers());
  result.generator = generator_state();
  result.forwards = net.forwards;
  result.entries = task.plan->ledger().take_entries();
  return result;
}

struct RuleCase {
  std::string name;
  std::vector<Rule> rules;
  int forwards_with_shadow;
};

std::vector<RuleCase> rule_cases() {
  const Rule forward = rule_at("fc1", Direction::kForward), backward = rule_at("fc2", Direction::kBackward);
  return {{"forward", {forward}, 2}, {"backward", {backward}, 1}, {"both", {forward, backward}, 2}, {"none", {}, 1}};
}

TEST(GradientPassTest, TheCleanGradientIsBitForBitThatOfACleanPass) {
  const Result clean = pass_of({}, false);
  for (const RuleCase& c : rule_cases()) {
    const StepGradients shadowed = pass_of(c.rules, true).gradients;
    EXPECT_TRUE(same_bits(shadowed.clean, clean.gradients.perturbed)) << c.name;
    EXPECT_EQ(shadowed.clean_loss, clean.gradients.loss) << c.name;
    EXPECT_EQ(same_bits(shadowed.perturbed, shadowed.clean), c.rules.empty()) << c.name;
  }
}

TEST(GradientPassTest, TheShadowLeavesThePerturbedGradientBuffersAndGeneratorAsTheyWere) {
  for (const RuleCase& c : rule_cases()) {
    for (const std::optional<std::int64_t> micro_batch :
         {std::optional<std::int64_t>(), std::optional<std::int64_t>(5)}) {
      const Result alone = pass_of(c.rules, false, kEverything, micro_batch);
      const Result shadowed = pass_of(c.rules, true, kEverything, micro_batch);
      EXPECT_TRUE(same_bits(shadowed.gradients.perturbed, alone.gradients.perturbed)) << c.name;
      EXPECT_EQ(shadowed.gradients.loss, alone.gradients.loss) << c.name;
      EXPECT_TRUE(same_bits(shadowed.buffers, alone.buffers)) << c.name;
      EXPECT_TRUE(at::equal(shadowed.generator, alone.generator)) << c.name;
      EXPECT_EQ(shadowed.entries.size(), alone.entries.size()) << c.name;
    }
  }
}

TEST(GradientPassTest, ASecondForwardPassIsMadeOnlyWhereAForwardRuleFires) {
  for (const RuleCase& c : rule_cases()) {
    EXPECT_EQ(pass_of(c.rules, true).forwards, c.forwards_with_shadow) << c.name;
    EXPECT_EQ(pass_of(c.rules, false).forwards, 1) << c.name;
  }
}

TEST(GradientPassTest, ARuleThatDoesNotFireAtThisStepCostsNoPass) {
  Rule later = rule_at("fc1", Direction::kForward);
  later.schedule.set("from", 1);
  const Result result = pass_of({later}, true);
  EXPECT_EQ(result.forwards, 1);
  EXPECT_FALSE(result.gradients.forward_fired);
  EXPECT_TRUE(result.gradients.clean[0].is_same(result.gradients.perturbed[0]));
}

TEST(GradientPassTest, WhatFiredIsSaid) {
  const StepGradients forward = pass_of({rule_at("fc1", Direction::kForward)}, false).gradients;
  EXPECT_TRUE(forward.forward_fired);
  EXPECT_FALSE(forward.backward_fired);
  EXPECT_FALSE(forward.shadow);
  EXPECT_TRUE(forward.clean.empty());
  EXPECT_EQ(forward.clean_loss, std::nullopt);
  const StepGradients backward = pass_of({rule_at("fc2", Direction::kBackward)}, false).gradients;
  EXPECT_FALSE(backward.forward_fired);
  EXPECT_TRUE(backward.backward_fired);
  EXPECT_EQ(backward.clean_loss, backward.loss);
}

TEST(GradientPassTest, MicroBatchesOfACleanPassAddUpToTheBatch) {
  for (const std::int64_t micro_batch : {1, 5, 6, 11, 12, 99}) {
    const StepGradients whole = pass_of({}, false, {at::kFloat}).gradients;
    const StepGradients split = pass_of({}, false, {at::kFloat}, micro_batch).gradients;
    EXPECT_LT(largest_difference(split.perturbed, whole.perturbed), 1e-6) << micro_batch;
    EXPECT_NEAR(split.loss, whole.loss, 1e-6) << micro_batch;
  }
}

TEST(GradientPassTest, DropoutDropsTheSameInMicroBatchesAndInTheShadow) {
  const SmallNetOptions dropout{.addressed_dropout = 0.5};
  const std::vector<Rule> rules{rule_at("fc1", Direction::kForward), rule_at("head", Direction::kBackward)};
  const StepGradients whole = pass_of({}, false, dropout).gradients, plain = pass_of({}, false, {}).gradients;
  ASSERT_GT(largest_difference(whole.perturbed, plain.perturbed), 1e-2);
  for (const std::int64_t micro_batch : {12, 5, 1}) {
    const StepGradients split = pass_of(rules, true, dropout, micro_batch).gradients;
    EXPECT_LT(largest_difference(split.clean, whole.perturbed), 1e-14) << micro_batch;
  }
}

// With the same perturbations the gradients agree to rounding; with other draws they would differ by about 0.1.
TEST(GradientPassTest, MicroBatchesDrawWhatTheWholeBatchDraws) {
  for (const DrawMode draw : {DrawMode::kPerElement, DrawMode::kPerSample, DrawMode::kPerFeature, DrawMode::kPerStep}) {
    std::vector<Rule> rules{rule_at("fc1", Direction::kForward), rule_at("head", Direction::kBackward)};
    for (Rule& rule : rules) rule.perturbation.set("draw", to_text(draw));
    const Result whole = pass_of(rules, true, {}), clean = pass_of({}, false, {});
    ASSERT_GT(largest_difference(whole.gradients.perturbed, clean.gradients.perturbed), 1e-2);
    for (const std::int64_t micro_batch : {1, 5, 6}) {
      const Result split = pass_of(rules, true, {}, micro_batch);
      EXPECT_LT(largest_difference(split.gradients.perturbed, whole.gradients.perturbed), 1e-14);
      EXPECT_LT(largest_difference(split.gradients.clean, whole.gradients.clean), 1e-14);
      EXPECT_NEAR(split.gradients.clean_loss.value(), whole.gradients.clean_loss.value(), 1e-14);
    }
  }
}

TEST(GradientPassTest, TheLedgerOfMicroBatchesAddsUpToThatOfTheBatch) {
  const std::vector<Rule> rules{rule_at("fc1", Direction::kForward), rule_at("head", Direction::kBackward)};
  const auto totals = [](const std::vector<InjectionRecord>& entries) {
    std::map<std::string, std::pair<double, std::int64_t>> sums;
    for (const InjectionRecord& entry : entries) {
      sums[entry.rule].first += entry.norm * entry.norm;
      sums[entry.rule].second += entry.elements;
    }
    return sums;
  };
  auto whole = totals(pass_of(rules, false, {}).entries), split = totals(pass_of(rules, false, {}, 5).entries);
  ASSERT_EQ(whole.size(), 2);
  for (const auto& [rule, sum] : whole) {
    EXPECT_NEAR(split[rule].first, sum.first, 1e-9 * sum.first) << rule;
    EXPECT_EQ(split[rule].second, sum.second) << rule;
  }
  EXPECT_EQ(whole["fc1 forward"].second, kRows * kHidden);
}

// eps = c per sample on the scores is c / B in autograd's tensor, so the head's bias moves by the sum of B of them: c.
TEST(GradientPassTest, EpsIsPerSampleWhateverTheMicroBatch) {
  Rule rule = rule_at("head", Direction::kBackward, 0.25);
  rule.perturbation.kind = "constant";
  for (const std::int64_t micro_batch : {12, 5, 1}) {
    const Result result = pass_of({rule}, true, {}, micro_batch);
    const at::Tensor moved = result.gradients.perturbed.back() - result.gradients.clean.back();
    EXPECT_LT((moved - 0.25).abs().max().item<double>(), 1e-14) << micro_batch;
    double squared = 0;
    for (const InjectionRecord& entry : result.entries) squared += entry.norm * entry.norm;
    EXPECT_NEAR(squared, 0.25 * 0.25 * kRows * kClasses, 1e-12) << micro_batch;
  }
}

struct Seen {
  Direction direction;
  std::int64_t step, first_row, rows;
  double loss_divisor;
  std::vector<std::int64_t> sample_ids;
};

std::vector<Seen>& seen() {
  static std::vector<Seen> list;
  return list;
}

class Watch : public Perturbation {
 public:
  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    seen().push_back(
        {context.direction, context.step, context.first_row, context.rows, context.loss_divisor, *context.sample_ids});
    return {tensor + 1e-3, std::nullopt};
  }
};

TEST(GradientPassTest, APerturbationIsToldWhichRowsOfTheBatchItSees) {
  static std::once_flag once;
  std::call_once(once, [] {
    perturbations().add({"watch", "changes nothing"}, [](const KindSpec&) { return std::make_unique<Watch>(); });
  });
  seen().clear();
  Rule rule = rule_at("fc2", Direction::kBoth);
  rule.perturbation = "watch";
  pass_of({rule}, true, {}, 5);
  ASSERT_EQ(seen().size(), 6);
  std::int64_t first_row = 0;
  for (std::size_t i = 0; i < 6; i += 2) {
    const std::int64_t rows = i < 4 ? 5 : 2;
    EXPECT_EQ(seen()[i].direction, Direction::kForward);
    EXPECT_EQ(seen()[i].loss_divisor, 1);
    EXPECT_EQ(seen()[i + 1].direction, Direction::kBackward);
    EXPECT_EQ(seen()[i + 1].loss_divisor, kRows);
    for (const Seen& s : {seen()[i], seen()[i + 1]}) {
      EXPECT_EQ(s.first_row, first_row);
      EXPECT_EQ(s.rows, rows);
      EXPECT_EQ(s.sample_ids.size(), static_cast<std::size_t>(rows));
      EXPECT_EQ(s.sample_ids.front(), 100 + first_row);
    }
    first_row += rows;
  }
}

TEST(GradientPassTest, AParameterThatTheLossDoesNotReachHasAZeroGradient) {
  const SmallNetOptions options{at::kDouble, 0, false, true};
  const StepGradients gradients = pass_of({rule_at("fc1", Direction::kForward)}, true, options).gradients;
  for (const auto* list : {&gradients.perturbed, &gradients.clean}) {
    EXPECT_EQ(list->back().sizes(), at::IntArrayRef({2}));
    EXPECT_EQ(list->back().abs().max().item<double>(), 0);
  }
}

TEST(GradientPassTest, AnExceptionInTheModelLeavesNoPlanActive) {
  SmallNet net;
  const Task task = task_of(net, {rule_at("*", Direction::kForward)});
  GradientPass pass(task, net.parameters());
  net.poison = [](const at::Tensor&) -> at::Tensor { throw std::runtime_error("broken"); };
  const data::Batch batch = random_batch(kRows);
  EXPECT_THROW(pass.compute(batch, 0, false), std::runtime_error);
  EXPECT_TRUE(tap("fc1", batch.input()).is_same(batch.input()));
  net.poison = nullptr;
  EXPECT_TRUE(same_bits(pass.compute(batch, 0, false).perturbed,
                        pass_of({rule_at("*", Direction::kForward)}, false, {}).gradients.perturbed));
}

}  // namespace
}  // namespace gradquake::train
