// Sites of exported models: their names, and that watching them changes no bit while perturbing them does what it says.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "exported_case.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::model::exported {
namespace {

using Names = std::vector<std::string>;

std::vector<SiteInfo> sites_of(const Case& one) {
  const auto model = one.load();
  const SiteRecorder recorder;
  model->forward(one.rows());
  return recorder.sites();
}

Names without_operators(Names names) {
  std::erase_if(names, [](const std::string& name) { return name.find(':') != std::string::npos; });
  return names;
}

// A training pass in a model of its own: output, gradients, and the state afterwards.
std::vector<at::Tensor> pass(const Case& one) {
  const auto model = one.load();
  const at::Tensor input = one.rows();
  at::manual_seed(3);
  const at::Tensor output = model->forward(input);
  output.square().mean().backward();
  std::vector<at::Tensor> results{output.detach()};
  for (const at::Tensor& parameter : trained_parameters(*model).tensors)
    if (parameter.grad().defined()) results.push_back(parameter.grad());
  for (const auto& buffer : model->named_buffers()) results.push_back(buffer.value());
  return results;
}

void expect_same_bits(const std::vector<at::Tensor>& got, const std::vector<at::Tensor>& expected,
                      const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], expected[i])) << what << ", tensor " << i;
}

Rule constant_rule(const std::string& sites, Direction direction) {
  Rule rule;
  rule.sites = sites;
  rule.direction = direction;
  rule.perturbation = {"constant", {{"scale", 0.25}}};
  return rule;
}

TEST(ExportedTest, SitesAreModulePathsInTheOrderOfTheGraph) {
  const auto reads_or_keeps = [](const std::string& name) {
    return name.find(":input") != std::string::npos || name.find(":saved") != std::string::npos;
  };
  Names outputs = names_of(sites_of(kMlp));
  std::erase_if(outputs, reads_or_keeps);
  EXPECT_EQ(outputs, (Names{"fc1:aten.linear", "fc1", "relu:aten.relu", "relu", "dropout:aten.dropout", "dropout",
                            "fc2:aten.linear", "fc2"}));
  EXPECT_EQ(without_operators(names_of(sites_of(kImages))),
            (Names{"conv1", "norm1", "relu", "conv2", "norm2", "drop_maps", "pool", "embed", "norm3", "drop", "head"}));
  EXPECT_EQ(without_operators(names_of(sites_of(kShared))),
            (Names{"base.linear", "base", "lstm.0", "lstm.1", "lstm.2", "encode", "decode", "head"}));
}

TEST(ExportedTest, WhatModulesAndOperatorsReadOrKeepAreSites) {
  const Names mlp = names_of(sites_of(kMlp));
  EXPECT_EQ(Names(mlp.begin(), mlp.begin() + 5),
            (Names{"fc1:input", "fc1:aten.linear:input", "fc1:aten.linear:saved.0", "fc1:aten.linear", "fc1"}));
  const Names images = names_of(sites_of(kImages));
  for (const std::string name : {"conv1:input", ":aten.cat:input.0", ":aten.cat:input.1", "conv1:aten.conv2d:saved.0",
                                 "norm1:aten.batch_norm:saved.0", "conv2:input"})
    EXPECT_NE(std::find(images.begin(), images.end(), name), images.end()) << name;
  const auto shared = sites_of(kShared);
  const auto base =
      std::find_if(shared.begin(), shared.end(), [](const auto& one) { return one.name == "base:input"; });
  ASSERT_NE(base, shared.end());
  EXPECT_EQ(base->occurrences, 3);
}

TEST(ExportedTest, WatchingThemChangesNoBitAndPerturbingThemDoes) {
  const OneThread one_thread;
  for (const Case& one : kCases) {
    const auto gradients = [&] {
      const auto model = one.load();
      model->train();
      const at::Tensor rows = one.rows();
      at::manual_seed(2);
      return torch::autograd::grad({model->forward(rows).square().sum()}, model->parameters(), {}, std::nullopt, false,
                                   true);
    };
    const auto clean = gradients();
    const auto differing = [&](const std::vector<at::Tensor>& found) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < clean.size(); ++i)
        count += clean[i].defined() && !torch::equal(found[i], clean[i]) ? 1 : 0;
      return count;
    };
    {
      const auto leave = [](const TapPoint&, const at::Tensor&) { return at::Tensor(); };
      const ObserverScope watching({.on_forward = leave, .on_backward = leave, .beneath = true});
      EXPECT_EQ(differing(gradients()), 0U) << one.name;
    }
    for (const char* sites : {"*:input*", "*:saved.*"}) {
      Rule rule{.label = "r", .sites = sites, .direction = Direction::kForward};
      Plan plan({rule}, {.seed = 5});
      const PlanScope scope(plan, {.step = 1, .loss_divisor = 1});
      EXPECT_GT(differing(gradients()), clean.size() / 3) << one.name << ' ' << sites;
    }
  }
}

TEST(ExportedTest, OperatorsAreSitesBehindAColon) {
  const Names names = names_of(sites_of(kImages));
  for (const std::string name : {"conv1:aten.conv2d", ":aten.chunk#0", ":aten.chunk#1", ":aten.cat", ":aten.mul",
                                 ":aten.mul.1", "drop:aten.dropout_"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  const Names shared = names_of(sites_of(kShared));
  for (const std::string name : {"lstm:aten.lstm#0", "lstm:aten.lstm#2", "base:aten.tanh", "base:aten.add"})
    EXPECT_EQ(std::count(shared.begin(), shared.end(), name), 1) << name;
}

// Integers take no perturbation: `sites: "*"` has to pass them by.
TEST(ExportedTest, CountersAndSizesAreNoSites) {
  for (const Case& one : kCases)
    for (const SiteInfo& site : sites_of(one)) EXPECT_EQ(site.dtype, "float32") << one.name << ' ' << site.name;
}

TEST(ExportedTest, ASharedModuleHasOccurrences) {
  std::map<std::string, std::int64_t> occurrences;
  for (const SiteInfo& site : sites_of(kShared)) occurrences[site.name] = site.occurrences;
  EXPECT_EQ(occurrences["base"], 3);
  EXPECT_EQ(occurrences["base.linear"], 3);
  EXPECT_EQ(occurrences["base:aten.tanh"], 3);
  EXPECT_EQ(occurrences["decode"], 2);
  EXPECT_EQ(occurrences["encode"], 1);
  const Names notes = kShared.load()->notes();
  EXPECT_TRUE(std::any_of(notes.begin(), notes.end(),
                          [](const std::string& note) { return note.starts_with("module alias is base"); }));
}

TEST(ExportedTest, AnOccurrenceIsPerturbedByItself) {
  const auto output_with = [](std::int64_t which) {
    std::int64_t seen = 0;
    const ObserverScope scope({.on_forward = [&](const TapPoint& at, const at::Tensor& tensor) {
      if (at.site.name() != "base") return at::Tensor();
      EXPECT_EQ(at.occurrence, seen);
      return seen++ == which ? tensor + 1 : at::Tensor();
    }});
    return kShared.load()->forward(kShared.rows());
  };
  const at::Tensor clean = output_with(-1);
  for (std::int64_t which = 0; which < 3; ++which) EXPECT_FALSE(at::equal(output_with(which), clean)) << which;
}

TEST(ExportedTest, IdleTapsChangeNoBit) {
  const OneThread one_thread;
  for (const Case& one : kCases) {
    const auto clean = pass(one);
    Plan plan({constant_rule("*", Direction::kBoth)}, {.seed = 1, .run_steps = 10});
    {
      const PlanScope scope(plan, {.step = 1, .loss_divisor = 1});
      const PlanPause pause;
      expect_same_bits(pass(one), clean, one.name);
    }
    const auto leave = [](const TapPoint&, const at::Tensor&) { return at::Tensor(); };
    const ObserverScope scope({.on_forward = leave, .on_backward = leave});
    expect_same_bits(pass(one), clean, one.name);
  }
}

// Also where operators in place, on the tapped tensor or through a view of it, come before and behind it.
TEST(ExportedTest, ACopyAtASiteChangesNoBit) {
  const OneThread one_thread;
  for (const Case& one : kCases) {
    const auto clean = pass(one);
    for (const SiteInfo& site : sites_of(one)) {
      const ObserverScope scope({.on_forward = [&](const TapPoint& at, const at::Tensor& tensor) {
        return at.site.name() == site.name ? tensor.clone() : at::Tensor();
      }});
      expect_same_bits(pass(one), clean, std::string(one.name) + ' ' + site.name);
    }
  }
}

TEST(ExportedTest, AForwardPerturbationReachesTheOutput) {
  const auto model = kMlp.load();
  model->eval();
  const MlpWeights weights(*model);
  const at::Tensor input = kMlp.rows();
  Plan plan({constant_rule("fc1", Direction::kForward)}, {.seed = 1, .run_steps = 10});
  const PlanScope scope(plan, {.step = 1, .rows = 5});
  const at::Tensor expected = weights.rest(weights.hidden(input) + 0.25);
  EXPECT_TRUE(at::allclose(model->forward(input), expected, 1e-6, 1e-6));
  EXPECT_FALSE(at::allclose(weights.rest(weights.hidden(input)), expected, 1e-3, 1e-3));
}

TEST(ExportedTest, ABackwardPerturbationReachesTheGradientsBeforeItAlone) {
  const auto clean = kMlp.load(), noisy = kMlp.load();
  const at::Tensor input = kMlp.rows();
  clean->eval(), noisy->eval();
  clean->forward(input).square().sum().backward();
  Plan plan({constant_rule("fc1", Direction::kBackward)}, {.seed = 1, .run_steps = 10});
  {
    const PlanScope scope(plan, {.step = 1, .rows = 5, .loss_divisor = 1});
    noisy->forward(input).square().sum().backward();
  }
  const MlpWeights a(*clean), b(*noisy);
  EXPECT_TRUE(at::equal(b.w2.grad(), a.w2.grad()));
  EXPECT_TRUE(at::allclose(b.b1.grad(), a.b1.grad() + 5 * 0.25, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(b.w1.grad(), a.w1.grad() + 0.25 * input.sum(0), 1e-5, 1e-6));
}

// An operator in place stands behind norm2 and one through a view behind pool.
TEST(ExportedTest, ABackwardRuleBeforeAnOperatorInPlaceAddsItsEpsOnce) {
  const auto gradient = [](bool perturbed) {
    const auto model = kImages.load();
    const at::Tensor input = kImages.rows();
    model->eval();
    Plan plan({constant_rule("norm2", Direction::kBackward)}, {.seed = 1, .run_steps = 10});
    const PlanScope scope(plan, {.step = perturbed ? 1 : 0, .rows = 5, .loss_divisor = 1});
    std::unique_ptr<PlanPause> pause;
    if (!perturbed) pause = std::make_unique<PlanPause>();
    model->forward(input).square().sum().backward();
    return model->named_parameters()["norm2.bias"].grad();
  };
  EXPECT_TRUE(at::allclose(gradient(true), gradient(false) + 5 * 16 * 0.25, 1e-5, 1e-5));
}

}  // namespace
}  // namespace gradquake::model::exported
