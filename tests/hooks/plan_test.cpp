// Plans, perturbations and their draws, the recorder of sites.
#include "gradquake/hooks/plan.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::at_step;
using test::backward_rule;
using test::forward_rule;
using test::make_rule;
using test::perturbed;
using test::plain_rule;
using test::random;
using torch::Tensor;

Rule drawn(DrawMode draw, const std::string& kind = "gaussian", double mean = 0) {
  Rule rule = make_rule("r", "*", Direction::kForward, 0.5, kind);
  rule.perturbation.set("draw", to_text(draw)).set("mean", mean);
  return rule;
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

void expect_mentions(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
  }
}

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

TEST(PerturbationTest, RelativeToRmsEpsCarriesTheLossDivisorAlready) {
  Rule rule = make_rule("r", "*", Direction::kBackward, 0.5, "constant");
  rule.perturbation.set("relative_to", "rms");
  Plan plan({rule}, {});
  const Tensor x = torch::ones({8}).requires_grad_();
  PlanScope scope(plan, {.rows = 8, .loss_divisor = 8});
  tap("site", x * 1).mean().backward();
  EXPECT_TRUE(torch::allclose(x.grad(), torch::full({8}, 0.125 * 1.5), 1e-7, 0));
}

TEST(PerturbationTest, EpsPerSampleIsDividedByTheLossDivisorAndDeltaIsNot) {
  Plan plan({make_rule("r", "*", Direction::kBoth, 0.5, "constant")}, {});
  const Tensor x = torch::ones({8}).requires_grad_();
  PlanScope scope(plan, {.rows = 8, .loss_divisor = 8});
  const Tensor y = tap("site", x * 1);
  y.mean().backward();
  EXPECT_TRUE(torch::equal(y.detach(), torch::full({8}, 1.5)));
  EXPECT_TRUE(torch::equal(x.grad(), torch::full({8}, 0.125 + 0.0625)));
}

TEST(PerturbationTest, EveryKindAddsMeanPlusScaleTimesItsDraw) {
  const std::vector<std::pair<std::string, Variate>> kinds = {{"gaussian", Variate::kGaussian},
                                                              {"uniform", Variate::kUniform},
                                                              {"rademacher", Variate::kRademacher},
                                                              {"constant", Variate::kConstant}};
  for (const auto& [kind, variate] : kinds) {
    const Tensor expected = test::draws({3, 5}, variate, 0.25, 0.5, 7, "site", Direction::kForward, "r", 2, 0, 2 * 5);
    for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {  // 0.25 + 0.5 z is exact in float64
      const Tensor value = perturbed(drawn(DrawMode::kPerElement, kind, 0.25), torch::zeros({3, 5}, dtype),
                                     {.step = 2, .first_row = 2, .rows = 3});
      EXPECT_TRUE(torch::equal(value, expected.to(dtype))) << kind;
    }
  }
}

TEST(PerturbationTest, ADrawPerStepIsOneNumber) {
  const Tensor delta = perturbed(drawn(DrawMode::kPerStep, "gaussian", 0.25), torch::zeros({4, 3}, torch::kFloat64),
                                 {.first_row = 4, .rows = 4});
  const Tensor expected = test::draws({1}, Variate::kGaussian, 0.25, 0.5, 7, "site", Direction::kForward, "r", 0);
  EXPECT_TRUE(torch::equal(delta, expected.expand({4, 3})));
}

TEST(PerturbationTest, ADrawPerSampleIsSharedByTheRowsOfASample) {
  // 6 rows hold 3 samples of 2 rows, the samples 5, 6 and 7 of the whole batch.
  const Tensor delta =
      perturbed(drawn(DrawMode::kPerSample), torch::zeros({6, 4}, torch::kFloat64), {.first_row = 5, .rows = 3});
  const Tensor z = test::draws({3, 1, 1}, Variate::kGaussian, 0, 0.5, 7, "site", Direction::kForward, "r", 0, 0, 5);
  EXPECT_TRUE(torch::equal(delta, z.expand({3, 2, 4}).reshape({6, 4})));
}

TEST(PerturbationTest, ADrawPerFeatureIsSharedByTheBatch) {
  const Tensor delta =
      perturbed(drawn(DrawMode::kPerFeature), torch::zeros({6, 4}, torch::kFloat64), {.first_row = 3, .rows = 3});
  const Tensor z = test::draws({1, 2, 4}, Variate::kGaussian, 0, 0.5, 7, "site", Direction::kForward, "r", 0);
  EXPECT_TRUE(torch::equal(delta, z.expand({3, 2, 4}).reshape({6, 4})));
}

TEST(PerturbationTest, TheLedgersNormIsThatOfWhatWasAddedInEveryMode) {
  for (const DrawMode draw : {DrawMode::kPerStep, DrawMode::kPerSample, DrawMode::kPerFeature, DrawMode::kPerElement}) {
    for (const Tensor& y : {random({6, 5, 4}, 1), random({5, 6, 4}, 1).transpose(0, 1)}) {
      Plan plan({drawn(draw)}, {});
      Tensor value;
      {
        PlanScope scope(plan, {.rows = 3});
        value = tap("site", y);
      }
      const InjectionRecord entry = plan.ledger().take_entries().at(0);
      const double added = (value - y).norm().item<double>();
      EXPECT_NEAR(entry.norm, added, 1e-12 * added);
      EXPECT_NEAR(entry.relative_norm, added / y.norm().item<double>(), 1e-12);
    }
  }
}

// Layouts of 64 samples: [layout, batch dimension].
std::vector<std::pair<Tensor, std::int64_t>> layouts(torch::ScalarType dtype) {
  const Tensor image = random({64, 3, 5, 2}, 1, dtype);
  return {{random({64, 7}, 1, dtype), 0},
          {random({64 * 3, 7}, 1, dtype), 0},
          {image, 0},
          {image.contiguous(torch::MemoryFormat::ChannelsLast), 0},
          {random({7, 64}, 1, dtype).t(), 0},
          {random({5, 64, 3}, 1, dtype), 1},
          {random({5, 3, 64}, 1, dtype), -1},
          {random({64, 9}, 1, dtype).slice(1, 1, 8), 0}};
}

TEST(PerturbationTest, ABatchOf64EqualsItsPartsBitwiseInEveryLayoutModeAndType) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16, torch::kFloat16}) {
    for (const auto& [whole, batch_dim] : layouts(dtype)) {
      for (const DrawMode draw :
           {DrawMode::kPerStep, DrawMode::kPerSample, DrawMode::kPerFeature, DrawMode::kPerElement}) {
        const Rule rule = drawn(draw, "gaussian", 0.1);
        const Tensor expected = perturbed(rule, whole, {.rows = 64}, batch_dim);
        const std::int64_t per_sample = whole.size(batch_dim) / 64;
        std::vector<Tensor> parts;
        std::int64_t row = 0;
        for (const std::int64_t rows : {32, 31, 1}) {
          const Tensor part = whole.narrow(batch_dim, row * per_sample, rows * per_sample);
          parts.push_back(perturbed(rule, part, {.first_row = row, .rows = rows}, batch_dim));
          row += rows;
        }
        EXPECT_TRUE(torch::equal(torch::cat(parts, batch_dim), expected));
        EXPECT_FALSE(torch::equal(expected, whole));
      }
    }
  }
}

TEST(PerturbationTest, GradientsOfABatchOf64EqualThoseOfItsPartsBitwise) {
  const Tensor x = random({64, 6}, 1);
  const auto run = [](const Tensor& part, std::int64_t first_row) {
    const Tensor y = part.clone().requires_grad_();
    Plan plan({make_rule("r", "*", Direction::kBoth)}, {});
    PlanScope scope(plan, {.first_row = first_row, .rows = part.size(0), .loss_divisor = 64});
    (tap("site", y * 3).square().sum() / 64).backward();
    return y.grad();
  };
  const Tensor halves = torch::cat({run(x.narrow(0, 0, 32), 0), run(x.narrow(0, 32, 32), 32)});
  EXPECT_TRUE(torch::equal(halves, run(x, 0)));
}

TEST(PerturbationTest, ATensorThatDoesNotHoldItsSamplesIsRefusedWhereThatMatters) {
  const Tensor y = random({7, 4}, 1), scalar = random({}, 1);
  for (const Tensor& odd : {y, scalar}) {
    EXPECT_NO_THROW(perturbed(drawn(DrawMode::kPerElement), odd, {.rows = 3}));
    EXPECT_NO_THROW(perturbed(drawn(DrawMode::kPerStep), odd, {.rows = 3}));
    EXPECT_THROW(perturbed(drawn(DrawMode::kPerSample), odd, {.rows = 3}), std::invalid_argument);
    EXPECT_THROW(perturbed(drawn(DrawMode::kPerFeature), odd, {.rows = 3}), std::invalid_argument);
    expect_mentions(message_of([&] { perturbed(drawn(DrawMode::kPerElement), odd, {.first_row = 3, .rows = 3}); }),
                    {"[hooks]", "'site'", "3 samples", "batch_dim"});
  }
}

TEST(PerturbationTest, HalfPrecisionIsThePerturbedFloat32RoundedOnce) {
  for (const auto dtype : {torch::kBFloat16, torch::kFloat16}) {
    const Tensor y = random({4, 5}, 1, dtype);
    const Tensor value = perturbed(forward_rule("*"), y);
    EXPECT_EQ(value.scalar_type(), dtype);
    EXPECT_TRUE(torch::equal(value, perturbed(forward_rule("*"), y.to(torch::kFloat32)).to(dtype)));
  }
}

struct Rounded : Perturbation {
  explicit Rounded(double unit) : step(unit) {}
  double step;
  Perturbed apply(const Tensor& y, const PerturbationContext& context) const override {
    EXPECT_EQ(*context.site, "site");
    EXPECT_EQ(context.sample_ids->at(1), 20);
    return {(y / step).round() * step, std::nullopt};
  }
};

TEST(PerturbationTest, AKindOfOnesOwnIsUsedAndMeasuredLikeTheOthers) {
  perturbations().add({"rounded", "rounds to multiples", {Parameter::number("step", "the unit").in(Range::positive())}},
                      [](const KindSpec& s) { return std::make_unique<Rounded>(s.number("step")); });
  EXPECT_THROW(perturbations().add({"rounded", ""}, [](const auto&) { return nullptr; }), std::invalid_argument);
  const auto kinds = perturbations().names();
  EXPECT_NE(std::find(kinds.begin(), kinds.end(), "rounded"), kinds.end());

  Rule rule = plain_rule("rounded");
  expect_mentions(message_of([&] { Plan({rule}, {}); }), {"step", "'rounded'", "required"});
  rule.perturbation = {"rounded", {{"step", 1}, {"stop", 1}}};
  expect_mentions(message_of([&] { Plan({rule}, {}); }), {"'stop'", "'step'"});
  rule.perturbation = {"rounded", {{"step", 1}}};
  EXPECT_EQ(describe_perturbation(rule.perturbation), "rounded step 1");
  Plan plan({rule}, {});
  {
    PlanScope scope(plan, {.sample_ids = {10, 20}});
    EXPECT_TRUE(torch::equal(tap("site", torch::tensor({3.25F, 4.0F})), torch::tensor({3.0F, 4.0F})));
  }
  const InjectionRecord entry = plan.ledger().take_entries().at(0);
  EXPECT_EQ(entry.norm, 0.25);
  EXPECT_DOUBLE_EQ(entry.relative_norm, 0.25 / std::hypot(3.25, 4.0));
}

struct Reshaping : Perturbation {
  Perturbed apply(const Tensor& y, const PerturbationContext&) const override { return {y.flatten(), std::nullopt}; }
};

TEST(PerturbationTest, AKindThatReturnsAnotherShapeIsRefused) {
  perturbations().add({"reshaping", ""}, [](const auto&) { return std::make_unique<Reshaping>(); });
  expect_mentions(message_of([] {
                    perturbed(plain_rule("reshaping"), torch::ones({2, 3}));
                  }),
                  {"'site'", "'reshaping'", "[2, 3]", "[6]"});
}

struct Untouched : Perturbation {
  Perturbed apply(const Tensor& y, const PerturbationContext&) const override { return {y, std::nullopt}; }
};

TEST(PerturbationTest, AKindThatReturnsItsTensorSharesNoMemoryWithIt) {
  perturbations().add({"untouched", ""}, [](const auto&) { return std::make_unique<Untouched>(); });
  Plan plan({plain_rule("untouched")}, {});
  const Tensor y = random({3}, 1).requires_grad_() * 1;
  const Tensor before = y.detach().clone();
  {
    PlanScope scope(plan, {});
    tap("site", y).mul_(2).sum().backward();
  }
  EXPECT_TRUE(torch::equal(y, before));
  EXPECT_EQ(plan.ledger().warnings().at(0).kind, "changed_nothing");
}

TEST(PerturbationTest, AnEmptyTensorPassesUnchanged) {
  const Tensor empty = torch::zeros({0, 3});
  EXPECT_TRUE(perturbed(forward_rule("*"), empty).is_same(empty));
}

TEST(SiteRecorderTest, RecordsSitesInOrderOfFirstCallAndPerturbsNothing) {
  Plan plan({forward_rule("*")}, {});
  PlanScope scope(plan, {});
  SiteRecorder recorder;
  const Tensor y = torch::ones({2, 3}, torch::kBFloat16);
  EXPECT_TRUE(tap("b", y).is_same(y));
  tap("a", torch::ones({4}, torch::kFloat64).requires_grad_());
  tap("b", torch::ones({9}));
  ASSERT_EQ(recorder.sites().size(), 2U);
  const SiteInfo &b = recorder.sites()[0], &a = recorder.sites()[1];
  EXPECT_EQ(std::tie(b.name, b.dtype, b.occurrences, b.requires_grad), std::make_tuple("b", "bfloat16", 2, false));
  EXPECT_EQ(b.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::tie(a.name, a.dtype, a.occurrences, a.requires_grad), std::make_tuple("a", "float64", 1, true));
  EXPECT_EQ(recorder.names(), (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(plan.ledger().take_entries().empty());
}

}  // namespace
}  // namespace gradquake
