// Perturbations and their draws.
#include "gradquake/hooks/perturbation.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "gradquake/hooks/plan.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::drawn;
using test::expect_mentions;
using test::forward_rule;
using test::make_rule;
using test::message_of;
using test::perturbed;
using test::plain_rule;
using test::random;
using torch::Tensor;

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

TEST(PerturbationTest, AnAliasGivesASiteTheDrawsOfAnotherName) {
  const std::vector<Rule> rules = {make_rule("r", "*", Direction::kBoth)};
  Plan named(rules, {.seed = 7}), other(rules, {.seed = 7}), alias(rules, {.seed = 7, .aliases = {{"relu.0", "fc1"}}});
  const auto pass = [](Plan& plan, const char* site) {
    const Tensor x = torch::ones({4, 3}).requires_grad_();
    PlanScope scope(plan, {.step = 3, .loss_divisor = 1});
    const Tensor y = tap(site, x * 2);
    y.sum().backward();
    return std::pair(y.detach(), x.grad());
  };
  const auto [y, gradient] = pass(named, "fc1");
  const auto [y_alias, gradient_alias] = pass(alias, "relu.0");
  EXPECT_TRUE(torch::equal(y_alias, y));
  EXPECT_TRUE(torch::equal(gradient_alias, gradient));
  EXPECT_FALSE(torch::equal(pass(other, "relu.0").first, y));
  EXPECT_EQ(alias.ledger().take_entries().front().site, "relu.0");
}

TEST(PerturbationTest, EveryKindAddsMeanPlusScaleTimesItsDraw) {
  const std::vector<std::pair<std::string, Variate>> kinds = {{"gaussian", Variate::kGaussian},
                                                              {"uniform", Variate::kUniform},
                                                              {"rademacher", Variate::kRademacher},
                                                              {"laplace", Variate::kLaplace},
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

}  // namespace
}  // namespace gradquake
