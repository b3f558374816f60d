// Plans: what is found at their start, which rules fire, whose draws are whose.
#include "gradquake/hooks/plan.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "gradquake/hooks/perturbation.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::at_step;
using test::backward_rule;
using test::drawn;
using test::expect_mentions;
using test::forward_rule;
using test::make_rule;
using test::message_of;
using test::perturbed;
using test::random;
using torch::Tensor;

TEST(PlanTest, AGlobThatMatchesNoSiteNamesTheNearest) {
  const auto make = [] { Plan({forward_rule("layer.1")}, {}, {"head", "layers.0", "layers.1", "pool", "embed"}); };
  const std::string message = message_of(make);
  expect_mentions(message, {"[hooks]", "'layer.1'", "'layers.1'", "'layers.0'"});
  EXPECT_EQ(message.find("embed"), std::string::npos);
}

TEST(PlanTest, TwoRulesWithOneLabelAreRefused) {
  Rule unlabelled = forward_rule("*"), one = forward_rule("*");
  unlabelled.label = "";
  one.label = "0";
  expect_mentions(message_of([&] { Plan({unlabelled, one}, {}); }), {"[hooks]", "'0'", "position"});
  EXPECT_EQ(Plan({one, unlabelled}, {}).rules()[1].label, "1");
}

TEST(PlanTest, AnUnknownKindNamesTheNearest) {
  expect_mentions(message_of([] { Plan({make_rule("r", "*", Direction::kForward, 1, "gausian")}, {}); }),
                  {"[hooks]", "'gausian'", "'gaussian'"});
}

TEST(PlanTest, ValuesOutOfRangeAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double scale : {-1.0, nan, inf}) {
    EXPECT_THROW(Plan({forward_rule("*", scale)}, {}), std::invalid_argument);
  }
  EXPECT_THROW(Plan({drawn(DrawMode::kPerElement, "gaussian", nan)}, {}), std::invalid_argument);
  EXPECT_NO_THROW(Plan({make_rule("r", "*", Direction::kForward, -1, "constant")}, {}));
  EXPECT_THROW(Plan({forward_rule("[")}, {}), std::invalid_argument);
  Rule rule = forward_rule("*");
  rule.perturbation.set("size", 1);
  expect_mentions(message_of([&] { Plan({rule}, {}); }), {"'size'", "'gaussian'"});
}

TEST(PlanTest, AStepContextOutOfRangeIsRefused) {
  Plan plan({forward_rule("*")}, {});
  for (const StepContext& bad : {StepContext{.step = -1}, StepContext{.first_row = 2}, StepContext{.rows = -1},
                                 StepContext{.loss_divisor = 0}, StepContext{.loss_divisor = std::nan("")}}) {
    EXPECT_THROW(PlanScope(plan, bad), std::invalid_argument);
  }
  EXPECT_TRUE(tap("site", torch::ones({1})).equal(torch::ones({1})));
}

// The rule error that `rules` meet within a run of 100 steps, as "rule key"; empty: none.
std::string rule_error(std::vector<Rule> rules) {
  try {
    const Plan plan(std::move(rules), {.run_steps = 100}, {"site"});
  } catch (const RuleError& error) {
    return std::to_string(error.rule()) + ' ' + error.key();
  }
  return "";
}

TEST(PlanTest, AnErrorSaysWhichRuleAndWhichKey) {
  const Rule good = make_rule("good", "*", Direction::kForward);
  Rule budget = forward_rule("*"), label = forward_rule("*");
  budget.schedule = {"budget", {{"count", 101}}};
  label.label = "good";
  EXPECT_EQ(rule_error({good, budget}), "1 schedule");
  EXPECT_EQ(rule_error({good, label}), "1 label");
  EXPECT_EQ(rule_error({good, forward_rule("nowhere")}), "1 sites");
  EXPECT_EQ(rule_error({good, forward_rule("[")}), "1 sites");
  EXPECT_EQ(rule_error({forward_rule("*", -1)}), "0 scale");
  EXPECT_EQ(rule_error({drawn(DrawMode::kPerElement, "gaussian", std::nan(""))}), "0 mean");
  EXPECT_EQ(rule_error({good, make_rule("r", "*", Direction::kForward, 1, "gausian")}), "1 kind");
}

TEST(PlanTest, ARuleThatCanChangeNothingWithinTheRunIsAnErrorUnlessItMayBeIdle) {
  const auto scheduled = [](KindSpec schedule) {
    Rule rule = forward_rule("*");
    rule.schedule = std::move(schedule);
    return rule;
  };
  const KindSpec nothing{"linear", {{"from", 0}, {"to", 0}, {"end", 9}}};
  std::vector<std::pair<Rule, std::string>> idle = {
      {at_step(forward_rule("*"), 100), "schedule"},
      {scheduled({"at", {{"steps", std::vector<std::int64_t>{}}}}), "schedule"},
      {scheduled({"at", {{"steps", std::vector<std::int64_t>{100, 200}}}}), "schedule"},
      {scheduled({"probability", {{"p", 0}}}), "schedule"},
      {scheduled({"probability", {{"p", 0.5}, {"from", 100}}}), "schedule"},
      {scheduled({"budget", {{"count", 0}}}), "schedule"},
      {scheduled({"every", {{"from", 5}, {"until", 5}}}), "schedule"},
      {scheduled({"every", {{"amplitude", nothing}}}), "schedule"},
      {forward_rule("*", 0), "scale"},
      {drawn(DrawMode::kPerStep, "constant", -0.5), "scale"}};
  for (auto& [rule, key] : idle) {
    EXPECT_EQ(rule_error({rule}), "0 " + key);
    rule.may_be_idle = true;
    EXPECT_EQ(rule_error({rule}), "");
    EXPECT_TRUE(Plan({rule}, {.run_steps = 100}).is_idle(0));
  }
  EXPECT_FALSE(Plan({at_step(forward_rule("*"), 99)}, {.run_steps = 100}).is_idle(0));
  // A coin that never falls within the run is bad luck, not a mistake.
  EXPECT_EQ(rule_error({scheduled({"probability", {{"p", 1e-9}}})}), "");
  EXPECT_NO_THROW(Plan({at_step(forward_rule("*"), 1000)}, {}));  // a run of unknown length
}

TEST(PlanTest, AnAmplitudeThatOverflowsWithinTheRunIsRefusedAtTheStart) {
  Rule rule = forward_rule("*");
  rule.schedule = {"every", {{"amplitude", KindSpec{"decay", {{"power", -200}}}}}};
  EXPECT_EQ(rule_error({rule}), "0 schedule");
  rule.schedule.set("until", 10);
  EXPECT_EQ(rule_error({rule}), "");
}

TEST(PlanTest, ABackwardRuleThatIsDueNeedsALossDivisor) {
  Plan plan({at_step(backward_rule("*"), 1)}, {});
  EXPECT_NO_THROW(PlanScope(plan, {.step = 0, .rows = 4}));
  EXPECT_NO_THROW(PlanScope(plan, {.step = 1, .rows = 4, .loss_divisor = 1}));
  expect_mentions(message_of([&] { PlanScope(plan, {.step = 1, .rows = 4}); }), {"loss_divisor", "'backward'", "none"});
}

TEST(PlanTest, ANumberBeyondTheDtypeOfATensorIsRefusedNotInf) {
  const auto refused = [](Rule rule, torch::ScalarType dtype) {
    return message_of([&] { perturbed(rule, torch::ones({2, 2}, dtype)); });
  };
  Rule mean = forward_rule("*", 0);
  mean.perturbation.set("mean", 1e39);
  mean.may_be_idle = true;
  expect_mentions(refused(forward_rule("*", 1e39), torch::kFloat32), {"scale", "3.40282e+38", "Float", "1e+39"});
  expect_mentions(refused(mean, torch::kFloat32), {"mean", "1e+39"});
  EXPECT_EQ(refused(forward_rule("*", 1e39), torch::kFloat64), "");
  expect_mentions(refused(forward_rule("*", 1e5), torch::kFloat16), {"65504", "Half"});
  expect_mentions(refused(forward_rule("*", 3.4e38), torch::kBFloat16), {"BFloat16"});
}

TEST(PlanTest, AKindKnowsTheMomentsOfWhatItAdds) {
  for (const std::string kind : {"gaussian", "uniform", "rademacher", "constant"}) {
    for (const double mean : {0.0, 0.7}) {
      Rule rule = drawn(DrawMode::kPerElement, kind, mean);
      const ElementMoments moments = make_perturbation(rule.perturbation)->moments().value();
      const Tensor x = perturbed(rule, torch::zeros({1000000}, torch::kFloat64));
      // Six standard errors of the largest, fourth moment: a false alarm in about 1e-7 of seeds, were it not fixed.
      EXPECT_NEAR(x.mean().item<double>(), moments.mean, 6 * 0.5e-3) << kind;
      EXPECT_NEAR(x.square().mean().item<double>(), moments.second, 6 * 1e-3) << kind;
      EXPECT_NEAR(x.pow(4).mean().item<double>(), moments.fourth, 6 * 5e-3) << kind;
    }
  }
}

TEST(PlanTest, FiresByDirectionAndTellsTheFirstFirings) {
  Rule every = forward_rule("a*"), once = at_step(backward_rule("*b"), 5);
  every.schedule = {"every", {{"interval", 3}}};
  const Plan plan({every, once}, {.run_steps = 10}, {"ab", "a", "b"});
  EXPECT_TRUE(plan.fires(3));
  EXPECT_TRUE(plan.fires(3, Direction::kForward));
  EXPECT_FALSE(plan.fires(3, Direction::kBackward));
  EXPECT_TRUE(plan.fires(5, Direction::kBackward));
  EXPECT_FALSE(plan.fires(4));
  EXPECT_EQ(plan.first_firings(0, 3), (std::vector<std::int64_t>{0, 3, 6}));
  EXPECT_EQ(plan.first_firings(1, 3), (std::vector<std::int64_t>{5}));
  EXPECT_EQ(plan.sites_of(0), (std::vector<std::string>{"ab", "a"}));
  EXPECT_EQ(plan.sites_of(1), (std::vector<std::string>{"ab", "b"}));
}

TEST(PlanTest, ASiteThatWasNotListedIsResolvedWhenTapped) {
  Plan plan({forward_rule("late*")}, {}, {"late.0"});
  PlanScope scope(plan, {});
  EXPECT_FALSE(tap("late.1", torch::ones({4})).equal(torch::ones({4})));
  EXPECT_EQ(plan.sites_of(0), (std::vector<std::string>{"late.0", "late.1"}));
}

TEST(PlanTest, AnotherLabelledRuleOrSiteChangesNoOtherDraw) {
  const Tensor y = random({6}, 1);
  const auto run = [&](std::vector<Rule> rules, bool other_site) {
    Plan plan(std::move(rules), {.seed = 2});
    PlanScope scope(plan, {.step = 4});
    if (other_site) tap("other", y);
    return tap("site", y);
  };
  const Rule rule = make_rule("r", "site", Direction::kForward);
  const Rule elsewhere = make_rule("s", "other", Direction::kForward),
             silent = at_step(make_rule("t", "*", Direction::kForward), 0);
  const Tensor expected = run({rule}, false);
  EXPECT_TRUE(torch::equal(run({elsewhere, silent, rule}, true), expected));
}

TEST(PlanTest, SeedRepeatStepSiteAndLabelEachGiveDrawsOfTheirOwn) {
  const Tensor y = torch::zeros({6}, torch::kFloat64);
  const auto run = [&](const std::string& label, std::uint64_t seed, std::uint64_t repeat, std::int64_t step,
                       const std::string& site) {
    Plan plan({make_rule(label, "*", Direction::kForward)}, {.seed = seed});
    PlanScope scope(plan, {.step = step, .repeat = repeat});
    return tap(site, y);
  };
  const Tensor base = run("a", 1, 1, 1, "s");
  for (const Tensor& other : {run("b", 1, 1, 1, "s"), run("a", 2, 1, 1, "s"), run("a", 1, 2, 1, "s"),
                              run("a", 1, 1, 2, "s"), run("a", 1, 1, 1, "t")}) {
    EXPECT_FALSE((other == base).any().item<bool>());
  }
  EXPECT_TRUE(torch::equal(run("a", 1, 1, 1, "s"), base));
}

TEST(PlanTest, RulesAtOneSiteAddUpInRuleOrderAndMeasureTheTensorBeforeAny) {
  Rule first = make_rule("a", "site", Direction::kForward, 2, "constant"), second = first;
  second.label = "b";
  second.perturbation.set("relative_to", "rms");
  Plan plan({first, second}, {});
  Tensor value;
  {
    PlanScope scope(plan, {});
    value = tap("site", torch::full({4}, 3.0));
  }
  EXPECT_TRUE(torch::equal(value, torch::full({4}, 3.0 + 2 + 2 * 3)));
  const auto entries = plan.ledger().take_entries();
  EXPECT_DOUBLE_EQ(entries.at(0).relative_norm, 2.0 / 3);
  EXPECT_DOUBLE_EQ(entries.at(1).relative_norm, 2.0);
  EXPECT_DOUBLE_EQ(entries.at(1).norm, 12.0);
}

TEST(PlanTest, TheAmplitudeScalesWithTheStep) {
  Rule rule = make_rule("r", "*", Direction::kForward, 2, "constant");
  rule.schedule.set("amplitude", KindSpec{"decay", {{"power", 1}}});
  EXPECT_TRUE(torch::equal(perturbed(rule, torch::zeros({2}), {.step = 3}), torch::full({2}, 0.5)));
}

}  // namespace
}  // namespace gradquake
