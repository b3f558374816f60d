// Scopes, misfires and the ledger.
#include "gradquake/hooks/ledger.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "helpers.h"

namespace gradquake {
namespace {

using test::at_step;
using test::backward_rule;
using test::forward_rule;
using test::make_rule;
using test::random;
using torch::Tensor;

using Warnings = std::vector<std::string>;

// "kind site rule direction count" of every warning.
Warnings warnings_of(const Plan& plan) {
  Warnings lines;
  for (const LedgerWarning& w : plan.ledger().warnings()) {
    lines.push_back(w.kind + " " + w.site + " " + w.rule + " " + w.direction + " " + std::to_string(w.count));
  }
  return lines;
}

void expect_equal(const std::vector<InjectionRecord>& a, const std::vector<InjectionRecord>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(std::tie(a[i].step, a[i].rule, a[i].site, a[i].direction, a[i].occurrence, a[i].elements, a[i].norm,
                       a[i].relative_norm),
              std::tie(b[i].step, b[i].rule, b[i].site, b[i].direction, b[i].occurrence, b[i].elements, b[i].norm,
                       b[i].relative_norm));
  }
}

TEST(LedgerTest, AnEntrySaysWhatWasInjected) {
  Plan plan({make_rule("c", "site", Direction::kForward, 0.5, "constant")}, {});
  {
    PlanScope scope(plan, {.step = 9, .loss_divisor = 1});
    tap("site", torch::full({2, 8}, 2.0));
  }
  const auto entries = plan.ledger().take_entries();
  ASSERT_EQ(entries.size(), 1U);
  expect_equal(entries, {{9, "c", "site", "forward", 0, 16, 2.0, 0.25}});
  EXPECT_TRUE(plan.ledger().take_entries().empty());
  EXPECT_TRUE(warnings_of(plan).empty());
}

TEST(LedgerTest, TheNormOfEpsIsPerSample) {
  Plan plan({make_rule("c", "site", Direction::kBackward, 0.5, "constant")}, {});
  const Tensor x = torch::ones({4, 4}).requires_grad_();
  {
    PlanScope scope(plan, {.rows = 4, .loss_divisor = 4});
    tap("site", x * 1).mean(0).sum().backward();
  }
  expect_equal(plan.ledger().take_entries(), {{0, "c", "site", "backward", 0, 16, 2.0, 0.5}});
  EXPECT_TRUE(torch::equal(x.grad(), torch::full({4, 4}, 0.25 + 0.125)));
}

TEST(LedgerTest, EntriesComeByStepAndInOrderOfExecution) {
  Plan plan({make_rule("r", "*", Direction::kBoth)}, {});
  const Tensor x = random({2, 3}, 1).requires_grad_();
  {
    PlanScope scope(plan, {.step = 4, .loss_divisor = 1});
    tap("b", tap("a", x * 1) * 2).sum().backward();
  }
  {
    PlanScope scope(plan, {.step = 2, .loss_divisor = 1});
    tap("c", x.detach());
  }
  std::string order;
  for (const InjectionRecord& entry : plan.ledger().take_entries()) {
    order += std::to_string(entry.step) + entry.site + entry.direction[0] + " ";
  }
  EXPECT_EQ(order, "2cf 4af 4bf 4bb 4ab ");
}

TEST(LedgerTest, AModuleUsedTwiceAndALoopAreOccurrencesNotMisfires) {
  Plan plan({make_rule("r", "shared", Direction::kBoth)}, {});
  const Tensor x = random({2, 3}, 1).requires_grad_();
  std::vector<Tensor> added;
  for (std::int64_t step = 0; step < 2; ++step) {
    PlanScope scope(plan, {.step = step, .loss_divisor = 1});
    Tensor y = x * 1;
    for (int i = 0; i < 3; ++i) {
      const Tensor next = tap("shared", y * 2);
      added.push_back((next - y * 2).detach());
      y = next;
    }
    y.sum().backward();
  }
  EXPECT_FALSE(torch::allclose(added[0], added[1]));
  EXPECT_FALSE(torch::allclose(added[0], added[3]));
  std::string occurrences;
  for (const InjectionRecord& entry : plan.ledger().take_entries()) occurrences += std::to_string(entry.occurrence);
  EXPECT_EQ(occurrences, "012210012210");
  EXPECT_TRUE(warnings_of(plan).empty());
}

TEST(LedgerTest, ASiteInABranchNotTakenWhenDueIsReported) {
  Plan plan({at_step(forward_rule("*"), 3)}, {}, {"always", "sometimes"});
  for (std::int64_t step = 0; step < 5; ++step) {
    PlanScope scope(plan, {.step = step, .loss_divisor = 1});
    tap("always", torch::ones({2}));
    if (step != 3) {
      tap("sometimes", torch::ones({2}));
    }
  }
  EXPECT_EQ(warnings_of(plan), Warnings{"site_never_ran sometimes forward forward 1"});
  EXPECT_EQ(plan.ledger().warnings()[0].first_step, 3);
}

TEST(LedgerTest, ASiteInABranchTakenOnceWhenDueIsNotReported) {
  Plan plan({forward_rule("*")}, {}, {"always", "sometimes"});
  for (std::int64_t step = 0; step < 5; ++step) {
    PlanScope scope(plan, {.step = step, .loss_divisor = 1});
    tap("always", torch::ones({2}));
    if (step == 3) {
      tap("sometimes", torch::ones({2}));
    }
  }
  EXPECT_TRUE(warnings_of(plan).empty());
}

TEST(LedgerTest, AGlobThatNoTapMatchesIsReportedOnceAScopeHasEnded) {
  Plan plan({forward_rule("nowhere.*")}, {});
  EXPECT_TRUE(warnings_of(plan).empty());
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    tap("site", torch::ones({2}));
  }
  EXPECT_EQ(warnings_of(plan), Warnings{"site_never_ran nowhere.* forward forward 1"});
}

TEST(LedgerTest, ANeverDueRuleWhoseSiteNeverRanIsReported) {
  Plan plan({at_step(forward_rule("*"), 100)}, {}, {"ran", "other"});
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    tap("ran", torch::ones({2}));
  }
  EXPECT_EQ(warnings_of(plan), Warnings{"site_never_ran other forward forward 1"});
}

TEST(LedgerTest, AScopeWithoutItsBackwardIsReported) {
  Plan plan({backward_rule("site")}, {});
  for (std::int64_t step = 0; step < 2; ++step) {
    PlanScope scope(plan, {.step = step, .loss_divisor = 1});
    tap("site", random({2}, 1).requires_grad_() * 1);
  }
  EXPECT_EQ(warnings_of(plan), Warnings{"fired_not_once site backward backward 2"});
  EXPECT_NE(plan.ledger().warnings()[0].message.find("without a backward call"), std::string::npos);
}

TEST(LedgerTest, ABackwardRuleOnATensorWithoutGradIsReported) {
  Plan plan({backward_rule("site")}, {});
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    tap("site", random({2}, 1));
  }
  EXPECT_EQ(warnings_of(plan), Warnings{"fired_not_once site backward backward 1"});
  EXPECT_NE(plan.ledger().warnings()[0].message.find("did not require grad"), std::string::npos);
}

TEST(LedgerTest, ABackwardCalledTwiceIsReported) {
  for (const Direction direction : {Direction::kBackward, Direction::kBoth}) {
    Plan plan({make_rule("r", "site", direction)}, {});
    {
      PlanScope scope(plan, {.loss_divisor = 1});
      const Tensor loss = tap("site", random({2}, 1).requires_grad_() * 1).sum();
      loss.backward({}, true);
      loss.backward();
    }
    EXPECT_EQ(warnings_of(plan), Warnings{"fired_not_once site r backward 1"});
  }
}

TEST(LedgerTest, APerturbationThatChangesNothingIsReported) {
  Plan plan({forward_rule("*", 1e-12)}, {});
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    tap("single", torch::full({4}, 100.0F));
    tap("double", torch::full({4}, 100.0, torch::kFloat64));
    tap("half", torch::full({4}, 100.0, torch::kBFloat16));
  }
  EXPECT_EQ(warnings_of(plan),
            (Warnings{"changed_nothing half forward forward 1", "changed_nothing single forward forward 1"}));
}

TEST(LedgerTest, ABackwardAfterItsScopeIsRefused) {
  Plan plan({backward_rule("site")}, {});
  const Tensor x = random({2}, 1).requires_grad_();
  Tensor loss;
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    loss = tap("site", x * 1).sum();
  }
  EXPECT_THROW(loss.backward({}, true), std::invalid_argument);
  const PlanPause pause;
  EXPECT_TRUE(torch::equal(torch::autograd::grad({loss}, {x})[0], torch::ones({2}, torch::kFloat64)));
}

TEST(LedgerTest, APauseGivesTheExactGradientOfThePerturbedForwardUncounted) {
  Plan plan({backward_rule("site")}, {});
  const Tensor x = random({3}, 1).requires_grad_();
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    const Tensor y = tap("site", x * x);
    const Tensor loss = (y * y).sum();
    {
      const PlanPause pause;
      const Tensor clean = torch::autograd::grad({loss}, {x}, {}, true)[0];
      const Tensor untapped = x * x;
      EXPECT_TRUE(torch::equal(clean, torch::autograd::grad({(untapped * untapped).sum()}, {x})[0]));
      EXPECT_TRUE(tap("site", x).is_same(x));
    }
    loss.backward();
  }
  EXPECT_EQ(plan.ledger().take_entries().size(), 1U);
  EXPECT_TRUE(warnings_of(plan).empty());
}

TEST(LedgerTest, ADoubleBackwardIsRefusedWhileEpsIsDueAndExactUnderAPause) {
  for (const Direction direction : {Direction::kBackward, Direction::kBoth}) {
    Plan plan({make_rule("r", "site", direction)}, {});
    const Tensor x = random({3}, 1).requires_grad_();
    PlanScope scope(plan, {.loss_divisor = 1});
    const Tensor y = tap("site", x * x);
    const Tensor loss = (y * y).sum();
    EXPECT_THROW(torch::autograd::grad({loss}, {x}, {}, true, true), std::invalid_argument);
    const PlanPause pause;
    const Tensor g = torch::autograd::grad({loss}, {x}, {}, true, true)[0];
    const Tensor second = torch::autograd::grad({g.sum()}, {x})[0];
    EXPECT_TRUE(torch::allclose(second, (8 * x * x + 4 * y).detach(), 1e-13, 1e-13));
  }
}

TEST(LedgerTest, AnExceptionInsideAStepLeavesTheThreadAndTheLedgerClean) {
  Plan plan({make_rule("r", "*", Direction::kBoth)}, {});
  const Tensor y = random({3}, 1).requires_grad_() * 1;
  EXPECT_THROW(
      {
        PlanScope scope(plan, {.loss_divisor = 1});
        tap("site", y);
        throw std::runtime_error("out of data");
      },
      std::runtime_error);
  EXPECT_TRUE(tap("site", y).is_same(y));
  EXPECT_TRUE(warnings_of(plan).empty());
  PlanScope scope(plan, {.loss_divisor = 1});
  tap("site", y).sum().backward();
  EXPECT_EQ(plan.ledger().take_entries().size(), 3U);
}

// A segment of two tapped layers whose activations are thrown away and computed again in backward.
Tensor segment(const Tensor& x, const Tensor& w, const Tensor& v) {
  return tap("second", torch::tanh(tap("shared", torch::tanh(x.mm(w))).mm(v)));
}

struct Checkpointed : torch::autograd::Function<Checkpointed> {
  struct Mark : torch::CustomClassHolder {
    OccurrenceMark mark = occurrence_mark();
  };
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& w, const Tensor& v) {
    context->saved_data["mark"] = c10::IValue::make_capsule(c10::make_intrusive<Mark>());
    context->save_for_backward({x, w, v});
    return segment(x, w, v);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    torch::autograd::variable_list inputs;
    for (const Tensor& input : saved) inputs.push_back(input.detach().requires_grad_());
    const auto mark = c10::static_intrusive_pointer_cast<Mark>(context->saved_data["mark"].toCapsule());
    const torch::AutoGradMode with_grad(true);
    Tensor y;
    {
      const RecomputeScope replay(mark->mark);
      y = segment(inputs[0], inputs[1], inputs[2]);
    }
    return torch::autograd::grad({y}, inputs, gradients);
  }
};

TEST(LedgerTest, RecomputedActivationsGiveTheSameDrawsGradientsAndLedger) {
  const Tensor input = random({5, 4}, 1);
  const auto run = [&](bool recompute, std::vector<InjectionRecord>& entries, bool paused) {
    Plan plan({make_rule("r", "*", Direction::kBoth), make_rule("s", "shared", Direction::kForward)}, {});
    std::vector<Tensor> w;  // one a layer: the order in which uses of one weight are summed is not the tap's matter
    for (std::uint64_t i = 0; i < 5; ++i) {
      w.push_back(random({4, 4}, 2 + i).requires_grad_());
    }
    {
      PlanScope scope(plan, {.step = 3, .loss_divisor = 1});
      Tensor y = tap("shared", input.mm(w[0]));  // occurrence 0 lies outside the segments
      for (std::size_t i = 1; i < 5; i += 2) {
        y = recompute ? Checkpointed::apply(y, w[i], w[i + 1]) : segment(y, w[i], w[i + 1]);
      }
      if (paused) {
        const PlanPause pause;
        y.sum().backward({}, true);
      } else {
        y.sum().backward();
      }
    }
    EXPECT_EQ(warnings_of(plan).empty(), !paused);
    entries = plan.ledger().take_entries();
    for (Tensor& weight : w) weight = weight.grad();
    return torch::stack(w);
  };
  std::vector<InjectionRecord> plain, replayed;
  EXPECT_TRUE(torch::equal(run(false, plain, false), run(true, replayed, false)));
  expect_equal(plain, replayed);
  EXPECT_EQ(plain.size(), 5U + 3U + 5U);
  EXPECT_TRUE(torch::equal(run(false, plain, true), run(true, replayed, true)));
}

TEST(LedgerTest, ASegmentRunWithoutAPlanIsRecomputedWithoutOne) {
  Plan plan({forward_rule("*")}, {});
  const OccurrenceMark none = occurrence_mark();
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = random({3}, 1);
  {
    const RecomputeScope replay(none);
    EXPECT_TRUE(tap("site", y).is_same(y));
  }
  EXPECT_FALSE(tap("site", y).is_same(y));
}

TEST(LedgerTest, ARecomputationAfterItsScopeIsRefused) {
  Plan plan({forward_rule("*")}, {});
  OccurrenceMark mark;
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    mark = scope.mark();
  }
  EXPECT_THROW(RecomputeScope{mark}, std::invalid_argument);
}

TEST(LedgerTest, AResumedLedgerWarnsAsAnUnbrokenOne) {
  const auto steps = [](Plan& plan, std::int64_t from, std::int64_t until) {
    for (std::int64_t step = from; step < until; ++step) {
      PlanScope scope(plan, {.step = step, .loss_divisor = 1});
      tap("always", torch::ones({2}).requires_grad_() * 1);
      if (step == 1) {
        tap("early only", torch::ones({2}));
      }
    }
  };
  Rule nothing = forward_rule("*", 0);
  nothing.may_be_idle = true;
  const std::vector<Rule> rules = {nothing, backward_rule("always"),
                                   make_rule("with space 5:", "*", Direction::kForward)};
  const std::vector<std::string> sites = {"always", "early only", "never: 3:\n"};
  Plan unbroken(rules, {}, sites), first(rules, {}, sites), second(rules, {}, sites);
  steps(unbroken, 0, 6);
  steps(first, 0, 3);
  second.ledger().restore(first.ledger().save());
  steps(second, 3, 6);
  const auto expected = unbroken.ledger().warnings(), actual = second.ledger().warnings();
  EXPECT_EQ(warnings_of(second), warnings_of(unbroken));
  ASSERT_EQ(actual.size(), 5U);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].message, expected[i].message);
    EXPECT_EQ(actual[i].first_step, expected[i].first_step);
  }
  EXPECT_EQ(second.ledger().save(), unbroken.ledger().save());
}

TEST(LedgerTest, DamagedTextIsRefused) {
  Rule nothing = forward_rule("*", 0);
  nothing.may_be_idle = true;
  Plan plan({nothing}, {});
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    tap("site", torch::ones({2}));
  }
  const std::string text = plan.ledger().save();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_THROW(plan.ledger().restore(text.substr(0, length)), std::invalid_argument);
  }
  EXPECT_THROW(plan.ledger().restore(text + "0 "), std::invalid_argument);
  EXPECT_EQ(plan.ledger().save(), text);
}

}  // namespace
}  // namespace gradquake
