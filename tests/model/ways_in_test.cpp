// One network through every way in: taps by hand, a .pt2, a module as it is in operator mode, TorchScript.
// docs/ways-in.md shows the names side by side.
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "exported_files.h"
#include "gradquake/data/batch.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/operator_sites.h"
#include "gradquake/model/script/script_model.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::model {
namespace {

using exported::DropoutMasks;
using torch::Tensor;
using Names = std::map<std::string, std::string>;

// mlp.pt2, written down in C++; `site`: its taps, none where the module is left as it is.
struct Mlp : torch::nn::Module {
  explicit Mlp(bool tapped) : taps(tapped) {}
  Tensor site(const char* name, Tensor y) const { return taps ? tap(name, std::move(y)) : y; }
  Tensor forward(const Tensor& x) {
    const Tensor hidden = site("relu", torch::relu(site("fc1", fc1(x))));
    const Tensor kept = is_training() ? dropout("dropout", hidden, 0.5) : hidden;
    const auto last = [this](const Tensor& own) { return fc2(own); };
    return taps ? tap_operator(Site("fc2"), *fc2, site("dropout", kept), last) : last(kept);
  }
  const bool taps;
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(6, 8))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(8, 3))};
};

void copy_weights(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  auto target = to.named_parameters();
  for (const auto& item : from.named_parameters()) target[item.key()].copy_(item.value());
}

// The same as a file of torch.jit.save.
std::string script_file(const torch::nn::Module& weights) {
  const auto parameters = weights.named_parameters();
  const auto child = [&](const std::string& name, const std::string& forward) {
    torch::jit::Module module(name);
    for (const char* kind : {"weight", "bias"}) {
      const auto* const value = parameters.find(name + "." + kind);
      if (value) module.register_parameter(kind, value->detach().clone().requires_grad_(), false);
    }
    module.register_attribute("training", c10::BoolType::get(), true);
    module.define("def forward(self, x):\n    return " + forward + "\n");
    return module;
  };
  torch::jit::Module net("Mlp");
  net.register_module("fc1", child("fc1", "torch.linear(x, self.weight, self.bias)"));
  net.register_module("relu", child("relu", "torch.relu(x)"));
  net.register_module("dropout", child("dropout", "torch.dropout(x, 0.5, self.training)"));
  net.register_module("fc2", child("fc2", "torch.linear(x, self.weight, self.bias)"));
  net.define(
      "def forward(self, x):\n    return "
      "self.fc2.forward(self.dropout.forward(self.relu.forward(self.fc1.forward(x))))\n");
  const auto path = std::filesystem::temp_directory_path() / ("gradquake_ways_in." + std::to_string(getpid()) + ".pt");
  net.save(path.string());
  return path.string();
}

std::map<std::string, Network> ways() {
  const auto exported = exported::load_exported(exported::exported_file("mlp"), {}, DropoutMasks::kAddressed);
  const auto by_hand = std::make_shared<Mlp>(true), as_it_is = std::make_shared<Mlp>(false);
  copy_weights(*exported, *by_hand);
  copy_weights(*exported, *as_it_is);
  const std::string file = script_file(*exported);
  const auto script = std::make_shared<script::ScriptModel>(file, true);
  std::filesystem::remove(file);
  return {
      {"tap", by_hand}, {"exported", exported}, {"operators", with_operator_sites(as_it_is)}, {"torchscript", script}};
}

const Names kAliases = {{"relu.0", "relu"}, {"mul.0", "dropout"}};  // of operator mode

data::Batch some_batch() {
  torch::manual_seed(3);
  return {torch::randn({5, 6}), torch::randint(0, 3, {5})};
}

struct Outcome {
  Tensor loss;
  std::map<std::string, Tensor> gradients;
};

Outcome step(const Network& network, const Names& aliases, const std::string& sites, Direction direction) {
  Rule rule{.label = "r", .sites = sites, .direction = direction};
  rule.perturbation = {"gaussian", {{"scale", 0.3}}};
  Plan plan({rule}, {.seed = 5, .aliases = aliases});
  const data::Batch batch = some_batch();
  network.module->train();
  const PlanScope scope(plan, {.step = 4, .rows = 5, .loss_divisor = 5});
  const DropoutScope masks({.seed = 5, .step = 4, .rows = 5});
  const Tensor loss = at::cross_entropy_loss(network.forward(batch), batch.target());
  const TrainedParameters parameters = trained_parameters(*network.module);
  const auto gradients = torch::autograd::grad({loss}, parameters.tensors);
  Outcome outcome{loss.detach(), {}};
  for (std::size_t i = 0; i < gradients.size(); ++i) outcome.gradients[parameters.names[i]] = gradients[i];
  return outcome;
}

TEST(WaysInTest, TheNamesOfASiteAreThoseOfTheTable) {
  const std::map<std::string, std::vector<std::string>> expected{{"tap", {"fc1", "relu", "dropout", "fc2"}},
                                                                 {"exported", {"fc1", "relu", "dropout", "fc2"}},
                                                                 {"operators", {"fc1", "relu.0", "mul.0", "fc2"}},
                                                                 {"torchscript", {"fc1", "relu", "dropout", "fc2"}}};
  for (const auto& [way, network] : ways()) {
    network.module->train();
    const SiteRecorder recorder;
    const DropoutScope masks({.rows = 5});
    network.forward(some_batch());
    EXPECT_EQ(recorder.boundaries(), expected.at(way)) << way;
  }
}

TEST(WaysInTest, OneNetworkHasTheSamePerturbedGradientsThroughEveryWayBitForBit) {
  const exported::OneThread one_thread;
  for (const Direction direction : {Direction::kForward, Direction::kBackward, Direction::kBoth}) {
    const auto all = ways();
    const Outcome expected = step(all.at("tap"), {}, "*", direction);
    const Outcome clean = step(all.at("tap"), {}, "nowhere", direction);
    EXPECT_FALSE(torch::equal(clean.gradients.at("fc1.weight"), expected.gradients.at("fc1.weight")));
    for (const auto& [way, network] : all) {
      const Outcome actual = step(network, way == "operators" ? kAliases : Names{}, "*", direction);
      EXPECT_TRUE(torch::equal(actual.loss, expected.loss)) << way;
      ASSERT_EQ(actual.gradients.size(), 4U) << way;
      for (const auto& [name, gradient] : expected.gradients)
        EXPECT_TRUE(torch::equal(actual.gradients.at(name), gradient)) << way << ' ' << name;
    }
  }
}

// What fc2 reads, and what it keeps: `fc2:saved.0` is a name of the operator in a .pt2, and out of reach in
// TorchScript.
TEST(WaysInTest, WhatAModuleReadsOrKeepsIsPerturbedThroughEveryWayBitForBit) {
  const exported::OneThread one_thread;
  const auto all = ways();
  const auto expect_same = [&](const std::string& sites, Direction direction) {
    const Outcome expected = step(all.at("tap"), {}, sites, direction);
    const Outcome clean = step(all.at("tap"), {}, "nowhere", direction);
    bool changed = false;
    for (const auto& [name, gradient] : expected.gradients)
      changed |= !torch::equal(clean.gradients.at(name), gradient);
    EXPECT_TRUE(changed) << sites;
    for (const auto& [way, network] : all) {
      const bool saved = sites.find("saved") != std::string::npos;
      if (saved && way == "torchscript") continue;
      const bool by_operator = saved && way == "exported";
      const Outcome actual = step(network, {{"fc2:aten.linear:saved.0", "fc2:saved.0"}},
                                  by_operator ? "fc2:aten.linear:saved.0" : sites, direction);
      EXPECT_TRUE(torch::equal(actual.loss, expected.loss)) << way;
      for (const auto& [name, gradient] : expected.gradients)
        EXPECT_TRUE(torch::equal(actual.gradients.at(name), gradient)) << way << ' ' << name << ' ' << sites;
    }
  };
  for (const Direction direction : {Direction::kForward, Direction::kBackward, Direction::kBoth})
    expect_same("fc2:input", direction);
  expect_same("fc2:saved.0", Direction::kForward);
}

}  // namespace
}  // namespace gradquake::model
