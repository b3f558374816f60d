// What the backward pass sees of a forward perturbation: Rule::gradient.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::expect_mentions;
using test::make_rule;
using test::message_of;
using test::random;
using torch::Tensor;

Rule with_gradient(Gradient gradient, KindSpec perturbation, std::string label = "r") {
  Rule rule;
  rule.label = std::move(label);
  rule.perturbation = std::move(perturbation);
  rule.gradient = gradient;
  return rule;
}

struct Pass {
  Tensor value, gradient;  // of the tapped tensor
};

Pass pass(const std::vector<Rule>& rules, const Tensor& y, const Tensor& weight) {
  Plan plan(rules, {.seed = 7, .run_steps = 10});
  const Tensor x = y.clone().requires_grad_();
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor value = tap("site", x * 1);
  (value * weight).sum().backward();
  return {value.detach(), x.grad()};
}

TEST(RuleGradientTest, IdentityHandsTheGradientThrough) {
  const Tensor y = random({4, 6}, 1), w = random({4, 6}, 2);
  EXPECT_TRUE(at::equal(pass({with_gradient(Gradient::kIdentity, {"zero", {{"share", 0.5}}})}, y, w).gradient, w));
}

TEST(RuleGradientTest, ZeroWhereChangedMasksIt) {
  const Tensor y = random({4, 6}, 1), w = random({4, 6}, 2);
  for (const KindSpec& kind : {KindSpec{"zero", {{"share", 0.5}}}, KindSpec{"round", {{"format", "e4m3fn"}}},
                               KindSpec{"bit_flip", {{"rate", 0.02}}}}) {
    const Pass masked = pass({with_gradient(Gradient::kZeroWhereChanged, kind)}, y, w);
    EXPECT_TRUE(at::equal(masked.gradient, torch::where(masked.value == y, w, 0.0))) << kind.kind;
  }
}

// The derivative by central differences at the same address, for every kind that has one.
TEST(RuleGradientTest, ExactIsTheDerivative) {
  const Tensor y = random({4, 6}, 1), w = random({4, 6}, 2);
  for (const KindSpec& kind :
       {KindSpec{"gaussian", {{"scale", 0.5}}}, KindSpec{"multiplicative", {{"scale", 0.5}}},
        KindSpec{"multiplicative", {{"scale", 0.5}, {"draw", "per_sample"}}}, KindSpec{"scale", {{"factor", -2.0}}},
        KindSpec{"zero", {{"share", 0.5}, {"of", "feature"}}}, KindSpec{"stuck_at", {{"share", 0.5}, {"value", 1.0}}},
        KindSpec{"threshold", {{"below", 0.5}}}, KindSpec{"top_k", {{"share", 0.5}}},
        KindSpec{"random_k", {{"share", 0.5}}}}) {
    const std::vector<Rule> rules{with_gradient(Gradient::kExact, kind)};
    constexpr double kStep = 1e-6;
    const Tensor slope = (pass(rules, y + kStep, w).value - pass(rules, y - kStep, w).value) / (2 * kStep);
    EXPECT_TRUE(torch::allclose(pass(rules, y, w).gradient, w * slope, 1e-8, 1e-8)) << words_of(kind);
  }
}

TEST(RuleGradientTest, RulesOfASiteComposeInOrder) {
  const Tensor y = torch::ones({4, 6}, torch::kFloat64), w = random({4, 6}, 2);
  const Pass both = pass({with_gradient(Gradient::kExact, {"scale", {{"factor", 3.0}}}, "first"),
                          with_gradient(Gradient::kIdentity, {"constant", {{"scale", 1.0}}}, "second"),
                          with_gradient(Gradient::kExact, {"scale", {{"factor", -2.0}}}, "third")},
                         y, w);
  EXPECT_TRUE(at::equal(both.value, torch::full({4, 6}, -8.0, torch::kFloat64)));
  EXPECT_TRUE(at::equal(both.gradient, -6 * w));
}

TEST(RuleGradientTest, EpsIsAddedToTheGradientOfTheTappedTensor) {
  const Tensor y = random({4, 6}, 1), w = random({4, 6}, 2);
  const Pass both = pass({with_gradient(Gradient::kExact, {"scale", {{"factor", 3.0}}}),
                          make_rule("eps", "*", Direction::kBackward, 0.5, "constant")},
                         y, w);
  EXPECT_TRUE(at::equal(both.gradient, 3 * w + 0.5));
}

TEST(RuleGradientTest, WhatHasNoMeaningIsRefused) {
  const auto message = [](Rule rule, std::vector<std::string> sites = {}) {
    return message_of([&] { Plan({std::move(rule)}, {.run_steps = 10}, std::move(sites)); });
  };
  expect_mentions(message(with_gradient(Gradient::kExact, {"round", {{"format", "bf16"}}})),
                  {"identity or zero_where_changed", "'round'", "got exact"});
  expect_mentions(message(with_gradient(Gradient::kExact, {"gaussian", {{"relative_to", "rms"}}})), {"got exact"});
  Rule backward = with_gradient(Gradient::kExact, {"scale", {{"factor", 2.0}}});
  backward.direction = Direction::kBackward;
  expect_mentions(message(backward), {"direction forward or both", "got direction backward"});
  Rule saved = with_gradient(Gradient::kExact, {"scale", {{"factor", 2.0}}});
  saved.sites = "*:saved.*";
  expect_mentions(message(saved, {"fc1:saved.0"}), {"gradient identity", "fc1:saved.0"});
  Rule decaying = with_gradient(Gradient::kIdentity, {"top_k", {{"share", 0.5}}});
  decaying.schedule = {"every", {{"amplitude", KindSpec{"decay", {{"power", 1.0}}}}}};
  expect_mentions(message(decaying), {"an amplitude of 1", "'top_k'"});
}

TEST(RuleGradientTest, BadParametersAreRefusedBeforeAnyWork) {
  const auto message = [](KindSpec kind) { return message_of([&] { make_perturbation(kind); }); };
  expect_mentions(message({"round", {{"format", "int0"}}}), {"int2 to int16", "'int0'"});
  expect_mentions(message({"round", {{"format", "bf16"}, {"per", "token"}}}), {"per only with int2", "bf16"});
  expect_mentions(message({"round", {{"format", "int8"}, {"overflow", "ieee"}}}), {"overflow only with", "int8"});
  expect_mentions(message({"bit_flip", {{"rate", 1.5}}}), {"(0, 1]", "1.5"});
  expect_mentions(message({"bit_flip"}), {"either rate or count", "neither"});
  expect_mentions(message({"bit_flip", {{"rate", 0.5}, {"view", "int8"}, {"bits", "exponent"}}}), {"no exponent"});
  expect_mentions(message({"top_k", {{"share", 0.5}, {"count", 3}}}), {"either share or count", "both"});
  const auto applied = [](KindSpec kind) {
    return message_of([&] {
      test::perturbed(with_gradient(Gradient::kIdentity, std::move(kind)), torch::ones({3, 4}));
    });
  };
  expect_mentions(applied({"top_k", {{"count", 5}}}), {"at most the 4 elements of a sample", "got 5"});
  expect_mentions(applied({"low_rank", {{"rank", 4}}}), {"at most 3", "got 4"});
  expect_mentions(applied({"bit_flip", {{"count", 200}}}), {"at most the 128 bits", "200"});
  expect_mentions(applied({"round", {{"format", "mxfp4"}, {"block_dim", 2}}}), {"a dimension of the tensor", "2"});
}

}  // namespace
}  // namespace gradquake
