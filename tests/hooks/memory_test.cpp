// The kinds with a memory against their recursions written out, and what the memory of a plan promises.
#include "gradquake/hooks/memory.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/rehearsal.h"
#include "gradquake/hooks/weights.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::expect_mentions;
using test::message_of;
using test::random;
using torch::Tensor;
using Ids = std::vector<std::int64_t>;

const KindSpec kExact = {"scale", {{"factor", 1.0}}};
const KindSpec kHalf = {"scale", {{"factor", 0.5}}};
const KindSpec kLargestHalf = {"top_k", {{"share", 0.5}}};

Rule remembering(KindSpec kind, const char* memory = nullptr) {
  Rule rule;
  rule.label = "r";
  if (memory != nullptr) kind.set("memory", memory);
  rule.perturbation = std::move(kind);
  return rule;
}

KindSpec stale(std::int64_t steps = 1) { return {"stale", {{"steps", steps}}}; }
KindSpec delta(KindSpec of) { return {"delta", {{"of", std::move(of)}}}; }
KindSpec error_feedback(KindSpec of) { return {"error_feedback", {{"of", std::move(of)}}}; }

StepContext context_of(std::int64_t step, Ids ids) {
  StepContext context;
  context.step = step;
  context.rows = static_cast<std::int64_t>(ids.size());
  context.loss_divisor = 1;
  context.sample_ids = std::move(ids);
  return context;
}

// A plan of one rule at the site "site".
class Remembered {
 public:
  explicit Remembered(const Rule& rule) : plan({rule}, {.seed = 7, .run_steps = 1000}) {}
  explicit Remembered(const KindSpec& kind, const char* memory = nullptr) : Remembered(remembering(kind, memory)) {}

  Tensor pass(std::int64_t step, const Ids& ids, const Tensor& tensor) { return pass(context_of(step, ids), tensor); }
  Tensor pass(StepContext context, const Tensor& tensor) {
    PlanScope scope(plan, std::move(context));
    return tap("site", tensor);
  }
  // A memory per tensor: no samples to name.
  Tensor pass(std::int64_t step, const Tensor& tensor) { return pass({.step = step}, tensor); }

  Plan plan;
};

Tensor row(double value) { return torch::full({1, 2}, value, torch::kFloat64); }
Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).unsqueeze(1).expand({-1, 2}).contiguous();
}

TEST(MemoryTest, StaleIsTheTensorOfKStepsAgoAndAsItIsUntilThereIsOne) {
  for (const std::int64_t k : {1, 3}) {
    Remembered one(stale(k), "per_tensor");
    for (std::int64_t step = 0; step < 9; ++step) {
      const Tensor y = random({3, 2}, static_cast<std::uint64_t>(step));
      const Tensor expected = step < k ? y : random({3, 2}, static_cast<std::uint64_t>(step - k));
      EXPECT_TRUE(at::equal(one.pass(step, y), expected)) << k << " " << step;
    }
  }
}

TEST(MemoryTest, StepsThatTheScheduleSkipsAreNoVisits) {
  Rule rule = remembering(stale(1), "per_tensor");
  rule.schedule = {"every", {{"interval", 3}}};
  Remembered one(rule);
  for (std::int64_t step = 0; step < 9; ++step) {
    const double was = step % 3 == 0 && step > 0 ? static_cast<double>(step - 3) : static_cast<double>(step);
    EXPECT_TRUE(at::equal(one.pass(step, row(static_cast<double>(step))), row(was))) << step;
  }
}

// Samples in other orders and groups: each has what it had at its k-th last visit.
TEST(MemoryTest, StalePerSampleFollowsTheSampleThroughOtherOrdersAndGroups) {
  for (const std::int64_t k : {1, 2}) {
    Remembered one(stale(k));
    std::map<std::int64_t, std::vector<double>> seen;
    const std::vector<Ids> batches = {{5, -1, 9}, {9, 4}, {4, 5, -1}, {7}, {-1, 9, 5, 4}, {9, 7}, {5, 9, 4, 7, -1}};
    for (std::size_t step = 0; step < batches.size(); ++step) {
      std::vector<double> values, expected;
      for (const std::int64_t id : batches[step]) {
        values.push_back(static_cast<double>(id) + 100.0 * static_cast<double>(step));
        std::vector<double>& history = seen[id];
        const auto visits = static_cast<std::int64_t>(history.size());
        expected.push_back(visits < k ? values.back() : history[static_cast<std::size_t>(visits - k)]);
        history.push_back(values.back());
      }
      EXPECT_TRUE(at::equal(one.pass(static_cast<std::int64_t>(step), batches[step], rows(values)), rows(expected)))
          << k << " " << step;
    }
  }
}

// y~_t = m + (y_t - m) / 2 with a constant y: y~_t = y (1 - 2^-(t+1)).
TEST(MemoryTest, DeltaOfAHalfConvergesToAConstantTensorByHalves) {
  for (const char* memory : {"per_tensor", "per_sample"}) {
    Remembered one(delta(kHalf), memory);
    for (std::int64_t step = 0; step < 20; ++step) {
      const double left = std::ldexp(1.0, static_cast<int>(-(step + 1)));
      EXPECT_TRUE(at::equal(one.pass(step, {3}, row(8)), row(8 * (1 - left)))) << step;
    }
  }
}

// The difference to the last outcome shrinks, and with it the steps of the integers: half a step of 7 is left a time.
TEST(MemoryTest, DeltaInInt4ConvergesToAConstantTensorWherePlainInt4DoesNot) {
  const Tensor y = random({4, 50}, 3);
  Remembered coded(delta({"round", {{"format", "int4"}}}), "per_tensor"), plain({"round", {{"format", "int4"}}});
  double error = 0;
  for (std::int64_t step = 0; step < 8; ++step) error = (coded.pass(step, y) - y).abs().max().item<double>();
  const double largest = y.abs().max().item<double>();
  EXPECT_LT(error, largest * std::pow(1.0 / 14, 8) * (1 + 1e-6));
  EXPECT_GT((plain.pass(8, y) - y).abs().max().item<double>(), largest / 30);
}

TEST(MemoryTest, DeltaPerSampleTakesTheDifferenceToTheSamplesOwnLastOutcome) {
  Remembered one(delta(kHalf));
  EXPECT_TRUE(at::equal(one.pass(0, {1, 2}, rows({8, 4})), rows({4, 2})));
  EXPECT_TRUE(at::equal(one.pass(1, {2}, rows({6})), rows({4})));            // 2 + (6 - 2) / 2
  EXPECT_TRUE(at::equal(one.pass(2, {3, 1}, rows({2, 0})), rows({1, 2})));   // 0 + 2 / 2, 4 + (0 - 4) / 2
  EXPECT_TRUE(at::equal(one.pass(3, {2, 1}, rows({4, 10})), rows({4, 6})));  // 4 + 0, 2 + (10 - 2) / 2
}

TEST(MemoryTest, DeltaWithAnExactInnerKindChangesNothing) {
  Remembered one(delta(kExact), "per_tensor");
  for (std::int64_t step = 0; step < 6; ++step) {
    const Tensor whole = (random({4, 5}, static_cast<std::uint64_t>(step)) * 64).round() / 8;  // sums are exact
    EXPECT_TRUE(at::equal(one.pass(step, whole), whole)) << step;
    const Tensor y = random({4, 5}, 50 + static_cast<std::uint64_t>(step));
    EXPECT_TRUE(torch::allclose(one.pass(100 + step, y), y, 0, 1e-14)) << step;
  }
}

// C keeps the larger half of two features, e the rest.
TEST(MemoryTest, ErrorFeedbackOfTheLargestIsItsRecursionByHand) {
  const auto pair = [](double a, double b) { return torch::tensor({{a, b}}, torch::kFloat64); };
  for (const char* memory : {"per_tensor", "per_sample"}) {
    Remembered one(error_feedback(kLargestHalf), memory);
    EXPECT_TRUE(at::equal(one.pass(0, {4}, pair(4, 3)), pair(4, 0)));    // e = (0, 3)
    EXPECT_TRUE(at::equal(one.pass(1, {4}, pair(4, 3)), pair(0, 6)));    // of (4, 6); e = (4, 0)
    EXPECT_TRUE(at::equal(one.pass(2, {4}, pair(1, 1)), pair(5, 0)));    // of (5, 1); e = (0, 1)
    EXPECT_TRUE(at::equal(one.pass(3, {4}, pair(0, -3)), pair(0, -2)));  // of (0, -2); e = 0
    EXPECT_TRUE(at::equal(one.pass(4, {4}, pair(7, 0)), pair(7, 0)));
  }
}

// sum of y~ = sum of y - e_T, of each sample; C of a share of a quarter, so e stays small.
TEST(MemoryTest, WhatErrorFeedbackSentIsWhatWasWantedButForTheLastRest) {
  Remembered one(error_feedback({"top_k", {{"share", 0.25}}}));
  const std::vector<Ids> batches = {{0, 1, 2}, {2, 3}, {3, 0, 1}, {1, 2}};
  Tensor wanted = torch::zeros({4, 8}, torch::kFloat64), sent = wanted.clone();
  for (std::int64_t step = 0; step < 40; ++step) {
    const Ids& ids = batches[static_cast<std::size_t>(step) % batches.size()];
    const Tensor index = torch::tensor(ids, torch::kLong);
    const Tensor y = random({static_cast<std::int64_t>(ids.size()), 8}, 20 + static_cast<std::uint64_t>(step));
    wanted.index_add_(0, index, y);
    sent.index_add_(0, index, one.pass(step, ids, y));
  }
  // What is left comes out by an inner kind that keeps everything: the next visit sends 0 + e.
  KindSpec all = error_feedback({"top_k", {{"share", 1.0}}});
  Remembered rest(all);
  rest.plan.memory().restore(one.plan.memory().save());
  const Tensor left = rest.pass(40, {0, 1, 2, 3}, torch::zeros({4, 8}, torch::kFloat64));
  EXPECT_TRUE(torch::allclose(wanted, sent + left, 0, 1e-13));
  EXPECT_GT((wanted - sent).abs().max().item<double>(), 0.1);
  EXPECT_LT((wanted - sent).abs().max().item<double>(), 20);
}

TEST(MemoryTest, MicroBatchesHaveWhatTheWholeBatchHas) {
  const std::vector<KindSpec> kinds = {stale(2), delta({"round", {{"format", "e2m1fn"}}}),
                                       error_feedback({"top_k", {{"share", 0.3}}})};
  for (const KindSpec& kind : kinds) {
    Remembered whole(kind), parts(kind);
    const std::vector<Ids> batches = {{1, 2, 3, 4, 5}, {5, 9, 1, 7, 2}, {2, 3, 9, 1, 4}, {4, 5, 1, 3, 2}};
    for (std::int64_t step = 0; step < 8; ++step) {
      const Ids& ids = batches[static_cast<std::size_t>(step) % batches.size()];
      const Tensor y = random({5, 6}, static_cast<std::uint64_t>(step));
      StepContext first = context_of(step, {ids.begin(), ids.begin() + 2});
      StepContext second = context_of(step, {ids.begin() + 2, ids.end()});
      second.first_row = 2;
      const Tensor a = parts.pass(first, y.slice(0, 0, 2)), b = parts.pass(second, y.slice(0, 2));
      EXPECT_TRUE(at::equal(whole.pass(step, ids, y), torch::cat({a, b}))) << words_of(kind) << " " << step;
    }
    EXPECT_EQ(whole.plan.memory().bytes(0), parts.plan.memory().bytes(0));
  }
}

TEST(MemoryTest, AStepThatIsPassedAgainHasTheSameBitsAndTheNextGoesOnFromIt) {
  for (const KindSpec& kind : {stale(2), delta(kHalf), error_feedback(kLargestHalf)}) {
    Remembered once(kind), twice(kind);
    for (std::int64_t step = 0; step < 6; ++step) {
      const Ids ids = step % 2 == 0 ? Ids{1, 2} : Ids{2, 3};
      const Tensor y = random({2, 4}, static_cast<std::uint64_t>(step)), other = random({2, 4}, 99);
      const Tensor value = once.pass(step, ids, y);
      twice.pass(step, ids, other);
      EXPECT_TRUE(at::equal(twice.pass(step, ids, y), value)) << words_of(kind) << " " << step;
      EXPECT_TRUE(at::equal(twice.pass(step, ids, y), value)) << words_of(kind) << " " << step;
    }
  }
}

TEST(MemoryTest, ARecomputedSegmentHasTheSameBitsAndMovesTheMemoryOnce) {
  Remembered one(error_feedback(kLargestHalf));
  for (std::int64_t step = 0; step < 3; ++step) {
    const Tensor y = random({2, 4}, static_cast<std::uint64_t>(step));
    PlanScope scope(one.plan, context_of(step, {1, 2}));
    const OccurrenceMark mark = occurrence_mark();
    const Tensor first = tap("site", y), second = tap("site", y);  // two occurrences, a memory each
    const std::string after = one.plan.memory().save();
    {
      const RecomputeScope replay(mark);
      EXPECT_TRUE(at::equal(tap("site", y), first));
      EXPECT_TRUE(at::equal(tap("site", y), second));
    }
    {
      const PlanPause pause;
      const RecomputeScope replay(mark);
      EXPECT_TRUE(at::equal(tap("site", y), first));
    }
    EXPECT_EQ(one.plan.memory().save(), after);
  }
}

TEST(MemoryTest, ARecomputationAfterItsScopeIsExactUntilTheNextStepAndRefusedThen) {
  Remembered one(stale());
  OccurrenceMark mark;
  Tensor value;
  for (std::int64_t step = 0; step < 2; ++step) {
    PlanScope scope(one.plan, context_of(step, {1}));
    mark = occurrence_mark();
    value = tap("site", row(static_cast<double>(step)));
  }
  const PlanPause pause;
  const std::string before = one.plan.memory().save();
  {
    const RecomputeScope replay(mark);
    EXPECT_TRUE(at::equal(tap("site", row(1)), value));
  }
  EXPECT_EQ(one.plan.memory().save(), before);
  one.pass(2, {1}, row(2));
  const RecomputeScope replay(mark);
  expect_mentions(message_of([&] { tap("site", row(1)); }), {"'site'", "recomputation of step 1", "later one"});
}

TEST(MemoryTest, PausesRehearsalsAndScopesWithoutMemoryLeaveItAlone) {
  Remembered one(delta(kHalf));
  one.pass(0, {1, 2}, rows({8, 4}));
  const std::string before = one.plan.memory().save();
  {
    PlanScope scope(one.plan, context_of(1, {1, 2}));
    const PlanPause pause;
    EXPECT_TRUE(at::equal(tap("site", rows({3, 3})), rows({3, 3})));
  }
  {
    const Rehearsal rehearsal(one.plan, context_of(0, {1, 2}));
    tap("site", rows({5, 5}));
  }
  StepContext served;
  served.step = 1;
  served.remembers = false;  // needs no samples either
  EXPECT_TRUE(at::equal(one.pass(served, rows({6, 2, 4})), rows({3, 1, 2})));
  EXPECT_EQ(one.plan.memory().save(), before);
  EXPECT_TRUE(at::equal(one.pass(1, {1, 2}, rows({8, 4})), rows({6, 3})));
}

TEST(MemoryTest, AStepTakenBackIsAsIfItHadNotBeen) {
  for (const KindSpec& kind : {stale(2), delta(kHalf), error_feedback(kLargestHalf)}) {
    Remembered one(kind), other(kind);
    for (std::int64_t step = 0; step < 8; ++step) {
      const Ids ids = step % 3 == 0 ? Ids{1, 2} : Ids{2, 10 + step};
      const Tensor y = random({2, 4}, static_cast<std::uint64_t>(step));
      if (step == 5) {
        other.pass(step, ids, torch::full({2, 4}, std::nan(""), torch::kFloat64));
        other.plan.memory().take_back(step);
        other.plan.memory().take_back(step);
        continue;
      }
      EXPECT_TRUE(at::equal(one.pass(step, ids, y), other.pass(step, ids, y))) << words_of(kind) << " " << step;
    }
    EXPECT_EQ(one.plan.memory().save(), other.plan.memory().save());
  }
}

TEST(MemoryTest, GradientsAreRememberedApartFromActivations) {
  Rule rule = remembering(stale());
  rule.direction = Direction::kBoth;
  Remembered one(rule);
  for (std::int64_t step = 0; step < 4; ++step) {
    const Tensor x = row(static_cast<double>(step)).requires_grad_();
    PlanScope scope(one.plan, context_of(step, {1}));
    const Tensor y = tap("site", x * 1);
    EXPECT_EQ(y[0][0].item<double>(), step == 0 ? 0 : static_cast<double>(step - 1));
    (y * static_cast<double>(step + 10)).sum().backward();
    EXPECT_EQ(x.grad()[0][0].item<double>(), static_cast<double>(step == 0 ? 10 : step + 9));
  }
}

TEST(MemoryTest, BackwardOnAnotherThreadRemembersToo) {
  Rule rule = remembering(stale());
  rule.direction = Direction::kBackward;
  Remembered one(rule);
  for (std::int64_t step = 0; step < 3; ++step) {
    const Tensor x = row(1).requires_grad_();
    PlanScope scope(one.plan, context_of(step, {1}));
    const Tensor loss = (tap("site", x * 1) * static_cast<double>(step + 10)).sum();
    std::thread([&] { loss.backward(); }).join();
    EXPECT_EQ(x.grad()[0][0].item<double>(), static_cast<double>(step == 0 ? 10 : step + 9));
  }
}

TEST(MemoryTest, ThreadsThatShareABatchHaveWhatOneHas) {
  const KindSpec kind = error_feedback({"top_k", {{"share", 0.3}}});
  Remembered alone(kind), shared(kind);
  for (std::int64_t step = 0; step < 20; ++step) {
    const Tensor y = random({8, 6}, static_cast<std::uint64_t>(step));
    std::vector<Tensor> parts(4);
    std::vector<std::thread> threads;
    for (std::int64_t part = 0; part < 4; ++part) {
      threads.emplace_back([&, part] {
        StepContext context = context_of(step, {2 * part, 2 * part + 1});
        context.first_row = 2 * part;
        parts[static_cast<std::size_t>(part)] = shared.pass(context, y.slice(0, 2 * part, 2 * part + 2));
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(at::equal(alone.pass(step, {0, 1, 2, 3, 4, 5, 6, 7}, y), torch::cat(parts))) << step;
  }
}

TEST(MemoryTest, ASampleOfSeveralRowsInAnyDimensionAndLayoutStaysItself) {
  Plan plan({remembering(stale())}, {.seed = 7, .run_steps = 10});
  const Tensor y = random({3, 4, 6, 2}, 1);  // three samples of two rows in dimension 2
  const auto pass = [&](std::int64_t step, const Ids& ids, const Tensor& tensor) {
    PlanScope scope(plan, context_of(step, ids));
    return tap("site", tensor, 2);
  };
  pass(0, {1, 2, 3}, y);
  const Tensor moved = random({3, 4, 6, 2}, 2).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor value = pass(1, {3, 1, 2}, moved);
  EXPECT_TRUE(at::equal(value, torch::cat({y.slice(2, 4, 6), y.slice(2, 0, 2), y.slice(2, 2, 4)}, 2)));
  EXPECT_EQ(value.strides(), moved.strides());
}

TEST(MemoryTest, EveryDtypeAndLayoutKeepsItsOwnAndNarrowErrorsAreHeldInFloat32) {
  for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kBFloat16, torch::kFloat16}) {
    for (const KindSpec& kind : {stale(), delta(kHalf), error_feedback(kLargestHalf)}) {
      Remembered one(kind);
      for (std::int64_t step = 0; step < 3; ++step) {
        const Tensor y = random({2, 3, 4}, 1 + static_cast<std::uint64_t>(step), dtype).transpose(1, 2);
        const Tensor before = y.clone(), value = one.pass(step, {1, 2}, y);
        EXPECT_EQ(value.scalar_type(), dtype) << words_of(kind);
        EXPECT_EQ(value.strides(), y.strides()) << words_of(kind);
        EXPECT_EQ(at::equal(value, y), step == 0 && kind.kind == "stale") << words_of(kind);
        EXPECT_TRUE(at::equal(y, before)) << words_of(kind);
      }
    }
  }
  // 1/512 is below half a bfloat16 step at 1: the sum of 512 of them would be lost.
  Remembered one(error_feedback({"round", {{"format", "bf16"}}}), "per_tensor");
  double sent = 0;
  for (std::int64_t step = 0; step < 512; ++step)
    sent += one.pass(step, torch::full({1}, 1.0 + 1.0 / 512).to(torch::kFloat32)).item<double>();
  EXPECT_NEAR(sent, 513, 1.0 / 64);
}

TEST(MemoryTest, ARelativeInnerKindIsRelativeToWhatItIsCarriedOutOn) {
  Remembered one(delta({"threshold", {{"below", 1.0}, {"relative_to", "rms"}}}), "per_tensor");
  const auto four = [](double a, double b, double c, double d) { return torch::tensor({a, b, c, d}, torch::kFloat64); };
  EXPECT_TRUE(at::equal(one.pass(0, four(1, 2, 3, 4)), four(0, 0, 3, 4)));  // RMS 2.74
  EXPECT_TRUE(at::equal(one.pass(1, four(1, 2, 3, 4)), four(0, 2, 3, 4)));  // of (1, 2, 0, 0) RMS 1.12
  EXPECT_TRUE(at::equal(one.pass(2, four(1, 2, 3, 4)), four(1, 2, 3, 4)));
}

TEST(MemoryTest, AWeightsGradientIsRememberedPerTensor) {
  Rule rule = remembering(error_feedback({"top_k", {{"count", 1}, {"of", "tensor"}}}));
  rule.target = Target::kWeightGradient;
  rule.direction = Direction::kBackward;
  Plan plan({rule}, {.seed = 7, .run_steps = 10}, {}, {"w"});
  EXPECT_EQ(plan.memory().per(0), MemoryPer::kTensor);
  const auto sent = [&](std::int64_t step, double a, double b) {
    WeightScope scope(plan, step, {"w"}, {torch::zeros({2}, torch::kFloat64)});
    return scope.perturbed({torch::tensor({a, b}, torch::kFloat64)})[0];
  };
  const auto pair = [](double a, double b) { return torch::tensor({a, b}, torch::kFloat64); };
  EXPECT_TRUE(at::equal(sent(0, 4, 3), pair(4, 0)));
  EXPECT_TRUE(at::equal(sent(1, 4, 3), pair(0, 6)));
  EXPECT_TRUE(at::equal(sent(1, 4, 3), pair(0, 6)));  // the same step again
  EXPECT_TRUE(at::equal(sent(2, 0, 1), pair(4, 0)));
}

// f(w) = |w - 1|^2 / 2 in ten dimensions from w = 0, one of ten gradients sent a step, and noise of +-3 on the first.
// The others never exceed 1, so plain top_k never sends them: f stays above 9/2. With error feedback their sums come in
// their turn, and f ends where it does without compression, at the 0.02 that the noise leaves.
TEST(MemoryTest, ErrorFeedbackRecoversTheConvergenceThatPlainTopKLoses) {
  const auto loss_under = [](const KindSpec& kind) {
    Rule rule = remembering(kind);
    rule.target = Target::kWeightGradient;
    rule.direction = Direction::kBackward;
    Plan plan({rule}, {.seed = 7, .run_steps = 4000}, {}, {"w"});
    Tensor w = torch::zeros({10}, torch::kFloat64);
    double sum = 0;
    for (std::int64_t step = 0; step < 4000; ++step) {
      Tensor gradient = w - 1;
      gradient[0] += 3 * random({1}, static_cast<std::uint64_t>(step))[0].sign();
      WeightScope scope(plan, step, {"w"}, {w});
      w = w - 0.01 * scope.perturbed({gradient})[0];
      if (step >= 2000) sum += 0.5 * (w - 1).square().sum().item<double>();
    }
    return sum / 2000;
  };
  const KindSpec one_of_ten = {"top_k", {{"share", 0.1}, {"of", "tensor"}}};
  const double exact = loss_under(kExact), plain = loss_under(one_of_ten);
  const double fed_back = loss_under(error_feedback(one_of_ten));
  EXPECT_NEAR(exact, 0.02, 0.01);
  EXPECT_GT(plain, 4.5);
  EXPECT_NEAR(fed_back, 0.02, 0.01);
}

TEST(MemoryTest, AFirstVisitIsNoPerturbationThatChangedNothing) {
  Remembered one(stale());
  for (std::int64_t step = 0; step < 3; ++step)
    one.pass(step, {1, 2}, rows({std::ldexp(1.0, static_cast<int>(step)), 0}));
  EXPECT_TRUE(one.plan.ledger().warnings().empty());
  Remembered idle(stale());
  for (std::int64_t step = 0; step < 3; ++step) idle.pass(step, {1, 2}, rows({1, 2}));
  ASSERT_EQ(idle.plan.ledger().warnings().size(), 1U);
  EXPECT_EQ(idle.plan.ledger().warnings()[0].count, 2);
}

TEST(MemoryTest, ExactIsTheDerivativeOfTheInnerKindAndTheOtherGradientsAreRefused) {
  Rule rule = remembering(delta(kLargestHalf));
  rule.gradient = Gradient::kExact;
  Remembered one(rule);
  for (std::int64_t step = 0; step < 2; ++step) {
    const Tensor x = torch::tensor({{2.0, 1.0}}, torch::kFloat64).requires_grad_();
    PlanScope scope(one.plan, context_of(step, {1}));
    tap("site", x * 1).sum().backward();
    EXPECT_TRUE(at::equal(x.grad(), step == 0 ? torch::tensor({{1.0, 0.0}}, torch::kFloat64)
                                              : torch::tensor({{0.0, 1.0}}, torch::kFloat64)));
  }
  const auto refused = [](KindSpec kind, Gradient gradient) {
    Rule bad = remembering(std::move(kind));
    bad.gradient = gradient;
    return message_of([&] { Plan({bad}, {}); });
  };
  expect_mentions(refused(stale(), Gradient::kExact), {"expected identity", "'stale'", "got exact"});
  expect_mentions(refused(delta(kHalf), Gradient::kZeroWhereChanged),
                  {"expected identity or exact", "'delta'", "got zero_where_changed"});
  expect_mentions(refused(delta({"round", {{"format", "int8"}}}), Gradient::kExact), {"'delta'", "got exact"});
}

TEST(MemoryTest, MistakesAreOneLine) {
  const auto expect = [](const std::string& message, const std::vector<std::string>& parts) {
    expect_mentions(message, parts);
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  };
  Remembered sampled(stale()), whole(stale(), "per_tensor");
  expect(message_of([&] { sampled.pass(0, rows({1, 2})); }), {"its 2 samples (sample_ids)", "got 0 sample_ids"});
  expect(message_of([&] { sampled.pass(0, {1, 1}, rows({1, 2})); }), {"every sample once", "sample_ids with 1 twice"});
  expect(message_of([&] {
           sampled.pass(context_of(0, {1, 2, 3}), rows({1, 2}));
         }),
         {"a batch dimension that holds every sample", "[2, 2]"});
  sampled.pass(0, {1, 2}, rows({1, 2}));
  expect(message_of([&] {
           sampled.pass(1, {1}, torch::ones({1, 3}, torch::kFloat64));
         }),
         {"'site'", "rule 'r'", "keep its shape, [1, 2], got [1, 3]"});
  StepContext part = context_of(0, {1, 2});
  part.first_row = 2;
  expect(message_of([&] { whole.pass(part, rows({1, 2})); }), {"per_sample where a batch is split", "got per_tensor"});
  expect(message_of([] { make_perturbation(delta(stale())); }), {"of: expected a kind without a memory", "'stale'"});
  Rule weights = remembering(stale(), "per_sample");
  weights.target = Target::kWeight;
  expect(message_of([&] { Plan({weights}, {}); }), {"per_tensor with target weight", "got per_sample"});
}

KindSpec limited(KindSpec kind, double megabytes) {
  kind.set("limit_mb", megabytes);
  return kind;
}

// A sample of two float64 takes 16 bytes a visit.
TEST(MemoryTest, TheLimitIsJudgedWhereItIsReachedAndNothingIsKeptBeyondIt) {
  Remembered one(limited(stale(2), 100.0 / (1 << 20)));
  one.pass(0, {1, 2}, rows({1, 2}));
  one.pass(1, {3, 1}, rows({1, 2}));
  EXPECT_EQ(one.plan.memory().bytes(0), 96);
  expect_mentions(message_of([&] {
                    one.pass(2, {3, 4}, rows({1, 2}));
                  }),
                  {"rule 'r'", "at most 9.53674e-05 MB (limit_mb)", "got 0.00012207 MB at site 'site'"});
  EXPECT_EQ(one.plan.memory().bytes(0), 96);
  one.pass(2, {3, 2}, rows({1, 2}));
}

TEST(MemoryTest, TheLimitIsForeseenByARehearsalFromTheSizeOfTheDataSet) {
  const auto message = [](const Rule& rule, std::int64_t samples) {
    const Plan plan({rule}, {.run_steps = 10}, {"a", "b"});
    const Rehearsal rehearsal(plan, context_of(0, {0, 1}));
    tap("b", tap("a", rows({1, 2}))).repeat({1, 3});
    return message_of([&] { rehearsal.require_memory(samples, 2); });
  };
  Rule rule = remembering(limited(stale(3), 1e-3));  // 1048 bytes, of 96 a sample
  EXPECT_EQ(message(rule, 10), "");
  expect_mentions(message(rule, 11), {"rule 'r' to remember at most 0.001 MB", "got 0.00100708 MB for 11 samples",
                                      "0.00050354 MB at 'a', forward"});
  rule.schedule = {"every", {{"interval", 2}}};  // five steps of two samples
  EXPECT_EQ(message(rule, 1000), "");
}

TEST(MemoryTest, ARestoredMemoryGoesOnBitForBit) {
  for (const KindSpec& kind : {stale(3), delta({"round", {{"format", "int4"}}}), error_feedback(kLargestHalf)}) {
    Rule rule = remembering(kind);
    rule.direction = Direction::kBoth;
    Remembered unbroken(rule);
    const std::vector<Ids> batches = {{5, -1, 9}, {9, 4, 0}, {4, 5, -1}, {0, 9, 5}};
    const auto pass = [&](Remembered& one, std::int64_t step) {
      const Tensor x = random({3, 4}, static_cast<std::uint64_t>(step), torch::kFloat32).requires_grad_();
      const Tensor y = one.pass(step, batches[static_cast<std::size_t>(step) % batches.size()], x);
      return y.detach();
    };
    for (std::int64_t step = 0; step < 6; ++step) pass(unbroken, step);
    Remembered resumed(rule);
    resumed.plan.memory().restore(unbroken.plan.memory().save());
    for (std::int64_t step = 6; step < 14; ++step)
      EXPECT_TRUE(at::equal(pass(resumed, step), pass(unbroken, step))) << words_of(kind) << " " << step;
    EXPECT_EQ(resumed.plan.memory().save(), unbroken.plan.memory().save());
    EXPECT_EQ(resumed.plan.memory().bytes(0), unbroken.plan.memory().bytes(0));
  }
}

TEST(MemoryTest, AMemoryOfOtherRulesOrADamagedOneIsRefusedAndChangesNothing) {
  Remembered one(stale(2)), longer(stale(3)), tensor(stale(2), "per_tensor");
  one.pass(0, {1, 2}, rows({1, 2}));
  const std::string saved = one.plan.memory().save();
  expect_mentions(message_of([&] { longer.plan.memory().restore(saved); }),
                  {"the memory of this plan's rules", "'r', per_sample over 2 visits"});
  EXPECT_NE(message_of([&] { tensor.plan.memory().restore(saved); }), "");
  for (const std::size_t cut : {saved.size() - 1, saved.size() / 2, std::size_t{3}, std::size_t{0}})
    EXPECT_NE(message_of([&] { one.plan.memory().restore(saved.substr(0, cut)); }), "") << cut;
  EXPECT_EQ(one.plan.memory().save(), saved);
  Plan none({test::forward_rule("*")}, {});
  EXPECT_FALSE(none.memory().needed());
  EXPECT_TRUE(one.plan.memory().needed());
}

// What a batch that is split comes out as: that of the inner kind, but for a memory of the whole tensor.
TEST(MemoryTest, WhatAValueDependsOnIsWhatItsInnerKindDependsOn) {
  const auto scope = [](KindSpec kind, const char* memory) {
    return make_perturbation(remembering(std::move(kind), memory).perturbation)->scope();
  };
  EXPECT_EQ(scope(stale(), "per_tensor"), Scope::kBatch);
  EXPECT_EQ(scope(stale(), nullptr), Scope::kElement);
  EXPECT_EQ(scope(delta(kLargestHalf), nullptr), Scope::kSample);
  EXPECT_EQ(scope(delta(kLargestHalf), "per_tensor"), Scope::kBatch);
  EXPECT_EQ(scope("delta", "per_sample"), Scope::kBatch);  // int4 has one scale a tensor
}

TEST(MemoryTest, WordsSayWhatIsRemembered) {
  EXPECT_EQ(describe_perturbation("stale"), "as it was 1 step before");
  EXPECT_EQ(describe_perturbation({"stale", {{"steps", 3}, {"memory", "per_tensor"}}}),
            "as it was 3 steps before, per tensor");
  EXPECT_EQ(describe_perturbation("delta"), "difference to its last outcome, rounds to int4, one scale a tensor");
  EXPECT_EQ(describe_perturbation({"error_feedback", {{"memory", "per_sample"}}}),
            "with error feedback, keeps the largest 10 % of each sample, per sample");
}

}  // namespace
}  // namespace gradquake
