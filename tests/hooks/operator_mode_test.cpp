#include "gradquake/hooks/sites/operator_mode.h"

#include <ATen/ThreadLocalState.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/functional/linear.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/nn/modules/transformerlayer.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/self_test.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::make_rule;
using test::random;
using torch::Tensor;
using Names = std::vector<std::string>;

Tensor leaf(const Tensor& values) { return values.clone().requires_grad_(); }

// Two linear layers and a relu between them; `by_hand`: with taps at the names that operator mode gives.
struct Mlp : torch::nn::Module {
  torch::nn::Linear f1 = register_module("f1", torch::nn::Linear(3, 4));
  torch::nn::Linear f2 = register_module("f2", torch::nn::Linear(4, 2));
  bool in_place = false;

  Tensor forward(const Tensor& x, bool by_hand = false) {
    const auto site = [by_hand](const char* name, const Tensor& y) { return by_hand ? tap(name, y) : y; };
    Tensor y = site("f1", f1(x));
    y = in_place ? torch::relu_(y) : site("relu.0", torch::relu(y));
    return site("f2", f2(y));
  }
};

std::vector<Tensor> gradients_of(torch::nn::Module& module, const Tensor& loss, bool create_graph = false) {
  return torch::autograd::grad({loss}, module.parameters(), {}, std::nullopt, create_graph);
}

void expect_equal(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(torch::equal(found[i], expected[i])) << "tensor " << i;
}

bool all_equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& one, const Tensor& other) { return torch::equal(one, other); });
}

// The sites that one forward pass has.
std::vector<SiteInfo> dry_run(const OperatorSites& sites, const std::function<void()>& forward) {
  const SiteRecorder recorder;
  const OperatorModeScope scope(sites);
  forward();
  std::vector<SiteInfo> found = recorder.sites();
  std::erase_if(found, [](const SiteInfo& site) { return lies_beneath(site.name); });
  return found;
}

Names names_of(const OperatorSites& sites, const std::function<void()>& forward) {
  return gradquake::names_of(dry_run(sites, forward));
}

// How often an operator was skipped so.
std::int64_t times_skipped(const OperatorSites& sites, const std::string& name, const std::string& why) {
  for (const SkippedOperator& one : sites.skipped())
    if (one.name == name && one.why == why) return one.times;
  return 0;
}

// Parameter gradients under rules at every site, with the loss (and its backward) outside the operators' scope.
std::vector<Tensor> perturbed(torch::nn::Module& module, const std::vector<Rule>& rules, bool mode,
                              const std::function<Tensor()>& forward) {
  const OperatorSites sites = operator_sites(module);
  Plan plan(rules, {.seed = 7});
  PlanScope scope(plan, {.step = 3, .rows = 2, .loss_divisor = 2});
  Tensor output;
  if (mode) {
    const OperatorModeScope here(sites);
    output = forward();
  } else {
    output = forward();
  }
  std::vector<Tensor> found = gradients_of(module, output.square().sum() / 2);
  found.push_back(output);
  return found;
}

std::vector<std::vector<Rule>> rule_lists(const std::string& sites) {
  return {{make_rule("f", sites, Direction::kForward)},
          {make_rule("b", sites, Direction::kBackward)},
          {make_rule("f", sites, Direction::kForward), make_rule("b", sites, Direction::kBackward)}};
}

TEST(OperatorModeTest, NamesAnMlpByItsParametersAndItsOtherOperatorsByNumber) {
  Mlp net;
  const OperatorSites sites = operator_sites(net);
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  const std::vector<SiteInfo> found = dry_run(sites, [&] { net.forward(x); });
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ((Names{found[0].name, found[1].name, found[2].name}), (Names{"f1", "relu.0", "f2"}));
  EXPECT_EQ(found[0].shape, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(found[2].shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(found[2].dtype, "float32");
  EXPECT_TRUE(found[0].requires_grad);
  EXPECT_EQ(times_skipped(sites, "t", "a view"), 2);
}

TEST(OperatorModeTest, GradientsAreBitForBitThoseOfTapsByHand) {
  Mlp net;
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  const auto clean = gradients_of(net, net.forward(x).square().sum() / 2);
  for (const auto& rules : rule_lists("*")) {
    const auto by_mode = perturbed(net, rules, true, [&] { return net.forward(x); });
    const auto by_hand = perturbed(net, rules, false, [&] { return net.forward(x, true); });
    expect_equal(by_mode, by_hand);
    EXPECT_FALSE(torch::equal(by_mode[0], clean[0]));
  }
}

// A linear layer on three dimensions is a matmul and an addition of the bias in place.
TEST(OperatorModeTest, ALinearLayerOnThreeDimensionsIsOneSiteBehindItsBias) {
  Mlp net;
  const Tensor x = random({2, 5, 3}, 1, torch::kFloat32);
  EXPECT_EQ(names_of(operator_sites(net), [&] { net.forward(x); }), (Names{"f1", "relu.0", "f2"}));
  for (const auto& rules : rule_lists("*")) {
    const auto by_mode = perturbed(net, rules, true, [&] { return net.forward(x); });
    expect_equal(by_mode, perturbed(net, rules, false, [&] { return net.forward(x, true); }));
  }
  const torch::NoGradGuard no_grad;
  Plan plan({make_rule("f", "*", Direction::kForward)}, {.seed = 7});
  const auto output = [&](bool mode) {
    const PlanScope scope(plan, {});
    if (!mode) return net.forward(x, true);
    const OperatorModeScope here(operator_sites(net));
    return net.forward(x);
  };
  EXPECT_TRUE(torch::equal(output(true), output(false)));
}

TEST(OperatorModeTest, AnObserverReplacesTheOutputOfALinearLayerOnThreeDimensions) {
  Mlp net;
  const Tensor x = random({2, 5, 3}, 1, torch::kFloat32);
  const auto run = [&](bool mode, bool constant) {
    const ObserverScope observer(
        {.on_forward = [constant](const TapPoint&, const Tensor& y) { return constant ? torch::ones_like(y) : y * 3; },
         .on_backward = [](const TapPoint&, const Tensor& gradient) { return gradient + 0.5; }});
    const OperatorSites sites = operator_sites(net);
    Tensor y;
    if (mode) {
      const OperatorModeScope scope(sites);
      y = net.f1(x);
    } else {
      y = tap("f1", net.f1(x));
    }
    std::vector<Tensor> found{y.detach()};
    if (!constant)
      found.push_back(torch::autograd::grad({y.square().sum()}, {net.f1->weight})[0]);
    else
      EXPECT_FALSE(y.requires_grad());
    return found;
  };
  for (const bool constant : {false, true}) expect_equal(run(true, constant), run(false, constant));
}

TEST(OperatorModeTest, AnOperatorInPlaceBehindASiteWorks) {
  Mlp net;
  net.in_place = true;
  for (const Tensor& x : {random({2, 3}, 1, torch::kFloat32), random({2, 5, 3}, 1, torch::kFloat32)}) {
    for (const auto& rules : rule_lists("*")) {
      const auto by_mode = perturbed(net, rules, true, [&] { return net.forward(x); });
      expect_equal(by_mode, perturbed(net, rules, false, [&] { return net.forward(x, true); }));
    }
  }
  const OperatorSites sites = operator_sites(net);
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  EXPECT_EQ(names_of(sites, [&] { net.forward(x); }), (Names{"f1", "f2"}));
  EXPECT_EQ(times_skipped(sites, "relu_", "in place"), 1);
  EXPECT_EQ(summary_of(sites.skipped()), "a view (2), in place (1)");
}

TEST(OperatorModeTest, NamesAConvolutionalNetworkWithBatchNorm) {
  torch::nn::Sequential net(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 2, 3).padding(1)), torch::nn::BatchNorm2d(2),
                            torch::nn::ReLU(), torch::nn::Dropout(0.5),
                            torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(2).affine(false)));
  const Tensor x = random({2, 1, 4, 4}, 1, torch::kFloat32);
  const auto head = [&] { return net->forward(x).flatten(1).mean(1); };
  EXPECT_EQ(names_of(operator_sites(*net), head), (Names{"0", "1", "relu.0", "dropout.0", "batch_norm.0", "mean.0"}));
  net->eval();  // dropout hands its input on, and keeps its number
  const OperatorSites sites = operator_sites(*net);
  EXPECT_EQ(names_of(sites, head), (Names{"0", "1", "relu.0", "batch_norm.0", "mean.0"}));
  EXPECT_EQ(times_skipped(sites, "dropout.0", "its input handed on"), 1);
  EXPECT_EQ(times_skipped(sites, "flatten", "a view"), 1);
}

TEST(OperatorModeTest, NamesATransformerLayer) {
  torch::nn::TransformerEncoderLayer layer(
      torch::nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0));
  const Tensor x = random({5, 2, 8}, 1, torch::kFloat32);
  const Names names = names_of(operator_sites(*layer), [&] { layer->forward(x); });
  for (const char* site : {"self_attn", "self_attn.out_proj", "linear1", "linear2", "norm1", "norm2", "softmax.0"})
    EXPECT_EQ(std::count(names.begin(), names.end(), site), 1) << site;
}

// Taps by hand behind the modules, in a copy of what the layer computes.
TEST(OperatorModeTest, ATransformerLayerIsPerturbedAsByHand) {
  torch::nn::TransformerEncoderLayer layer(
      torch::nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0));
  const Tensor x = random({5, 2, 8}, 1, torch::kFloat32);
  const auto by_hand = [&] {
    Tensor y = x + std::get<0>(layer->self_attn->forward(x, x, x));
    y = tap("norm1", layer->norm1(y));
    const Tensor z = tap("linear2", layer->linear2(torch::relu(tap("linear1", layer->linear1(y)))));
    return tap("norm2", layer->norm2(y + z));
  };
  for (const auto& rules : rule_lists("[nl][oi]*[12]")) {  // norm1, norm2, linear1, linear2
    const auto by_mode = perturbed(*layer, rules, true, [&] { return layer->forward(x); });
    expect_equal(by_mode, perturbed(*layer, rules, false, by_hand));
  }
}

TEST(OperatorModeTest, TheSecondCallOfASharedModuleIsAnOccurrence) {
  torch::nn::Sequential net(torch::nn::Linear(3, 3));
  for (const Tensor& x : {random({2, 3}, 1, torch::kFloat32), random({2, 5, 3}, 1, torch::kFloat32)}) {
    const std::vector<SiteInfo> found = dry_run(operator_sites(*net), [&] { net->forward(net->forward(x)); });
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name, "0");
    EXPECT_EQ(found[0].occurrences, 2);
    for (const auto& rules : rule_lists("0")) {
      const auto by_mode = perturbed(*net, rules, true, [&] { return net->forward(net->forward(x)); });
      expect_equal(by_mode,
                   perturbed(*net, rules, false, [&] { return tap("0", net->forward(tap("0", net->forward(x)))); }));
    }
  }
}

// A weight of two names counts for the module whose bias comes with it.
TEST(OperatorModeTest, ATiedWeightBelongsToTheModuleOfTheOperator) {
  const Tensor words = random({7, 3}, 1), bias = random({7}, 2), indices = torch::tensor({1, 2});
  const OperatorSites sites({{"words.weight", words}, {"logits.weight", words}, {"logits.bias", bias}});
  const auto forward = [&] { torch::nn::functional::linear(torch::embedding(words, indices), words, bias); };
  EXPECT_EQ(names_of(sites, forward), (Names{"words", "logits"}));
}

// As an optimizer that keeps all parameters in one buffer lays them out.
TEST(OperatorModeTest, ParametersOfOneMemoryAreToldApartByTheirPlaces) {
  const Tensor flat = random({24}, 1);
  const Tensor first = flat.narrow(0, 0, 12).view({3, 4}), second = flat.narrow(0, 12, 12).view({4, 3});
  const OperatorSites sites({{"a.weight", first}, {"b.weight", second}});
  const Tensor x = random({2, 3}, 2);
  EXPECT_EQ(names_of(sites, [&] { torch::matmul(torch::matmul(x, first), second); }), (Names{"a", "b"}));
}

TEST(OperatorModeTest, AMovedModelStaysKnown) {
  Mlp net;
  const OperatorSites sites = operator_sites(net);
  net.to(torch::kFloat64);
  EXPECT_EQ(names_of(sites, [&] { net.forward(random({2, 3}, 1)); }), (Names{"f1", "relu.0", "f2"}));
}

TEST(OperatorModeTest, NumbersStartAgainInEveryScopeAndPassOverModulePaths) {
  const OperatorSites sites({{"relu.1.weight", torch::ones({2})}});
  const Tensor x = random({3}, 1);
  const auto forward = [&] { torch::relu(torch::relu(torch::add(torch::add(x, x), 1))); };
  for (int pass = 0; pass < 2; ++pass)
    EXPECT_EQ(names_of(sites, forward), (Names{"add.0", "add.1", "relu.0", "relu.2"}));
}

TEST(OperatorModeTest, FusedLayersAreSitesAtTheirOutput) {
  torch::nn::LSTM lstm(torch::nn::LSTMOptions(3, 4));
  struct Net : torch::nn::Module {
  } net;
  net.register_module("lstm", lstm);
  const OperatorSites sites = operator_sites(net);
  const Tensor x = random({5, 2, 3}, 1, torch::kFloat32);
  const auto forward = [&] {
    const Tensor y = std::get<0>(lstm->forward(x)).unsqueeze(0);
    at::scaled_dot_product_attention(y, y, y);
    torch::max(y, 0);
    torch::argmax(y);
  };
  EXPECT_EQ(names_of(sites, forward), (Names{"lstm", "scaled_dot_product_attention.0"}));
  EXPECT_EQ(times_skipped(sites, "lstm", "inside a fused operator"), 1);
  EXPECT_EQ(times_skipped(sites, "scaled_dot_product_attention.0", "inside a fused operator"), 1);
  EXPECT_EQ(times_skipped(sites, "max", "several outputs"), 1);
  EXPECT_EQ(times_skipped(sites, "argmax", "not a dense tensor of a floating dtype"), 1);
}

TEST(OperatorModeTest, WhatAModuleNeverFinishesIsListed) {
  const Tensor a = random({3}, 1), b = random({3}, 2);
  const OperatorSites sites({{"scale.a", a}, {"scale.b", b}, {"scale.unused", torch::ones({1})}});
  EXPECT_TRUE(names_of(sites, [&] { torch::add(torch::ones({2, 3}, torch::kFloat64) * a, b); }).empty());
  EXPECT_EQ(times_skipped(sites, "mul", "before the last operator of its module"), 1);
  EXPECT_EQ(times_skipped(sites, "scale", "a module with a parameter that no operator used"), 1);
}

TEST(OperatorModeTest, IdleIsBitForBitTheModel) {
  Mlp net;
  const OperatorSites sites = operator_sites(net);
  for (const Tensor& x : {random({2, 3}, 1, torch::kFloat32), random({2, 5, 3}, 1, torch::kFloat32)}) {
    const auto clean = gradients_of(net, net.forward(x).sum());
    const auto inside = [&] {
      const OperatorModeScope scope(sites);
      return net.forward(x);
    };
    expect_equal(gradients_of(net, inside().sum()), clean);
    const SiteRecorder watching;
    expect_equal(gradients_of(net, inside().sum()), clean);
    Plan plan({test::at_step(make_rule("never", "*", Direction::kBoth), 9)}, {.seed = 1});
    PlanScope scope(plan, {.rows = 2, .loss_divisor = 1});
    expect_equal(gradients_of(net, inside().sum()), clean);
  }
}

TEST(OperatorModeTest, AnotherThreadIsUntouched) {
  Mlp net;
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  const Tensor clean = net.forward(x).detach();
  Plan plan({make_rule("f", "*", Direction::kForward)}, {.seed = 7});
  const OperatorSites sites = operator_sites(net);
  const PlanScope plan_scope(plan, {});
  const OperatorModeScope scope(sites);
  const at::ThreadLocalState state;
  for (const bool carries : {false, true}) {
    Tensor y;
    std::thread([&] {
      const std::optional<at::ThreadLocalStateGuard> guard(carries ? std::make_optional(state) : std::nullopt);
      y = net.forward(x).detach();
    }).join();
    EXPECT_TRUE(torch::equal(y, clean)) << carries;
  }
  EXPECT_FALSE(torch::equal(net.forward(x), clean));
}

TEST(OperatorModeTest, BackwardOperatorsAreNoSites) {
  const Tensor w = leaf(random({3}, 1));
  const OperatorSites sites({{"layer.weight", w}});
  const SiteRecorder recorder;
  {
    const OperatorModeScope scope(sites);
    const Tensor y = (w * w).exp();
    const Tensor g = torch::autograd::grad({y.sum()}, {w}, {}, std::nullopt, true)[0];
    EXPECT_EQ(recorder.boundaries(), (Names{"layer", "exp.0", "sum.0"}));
    torch::autograd::grad({g.square()[0]}, {w});
  }
  EXPECT_EQ(recorder.boundaries(), (Names{"layer", "exp.0", "sum.0", "square.0"}));
}

// As activation recomputation does.
TEST(OperatorModeTest, AScopeInsideABackwardCallSeesItsOwnOperators) {
  Mlp net;
  const OperatorSites sites = operator_sites(net);
  const Tensor x = random({2, 3}, 1, torch::kFloat32), y = leaf(x) * 2;
  Names inside;
  y.register_hook([&](const Tensor& gradient) {
    const torch::AutoGradMode with_graph(true);
    inside = names_of(sites, [&] { torch::autograd::grad({net.forward(x).sum()}, net.parameters()); });
    return gradient;
  });
  y.sum().backward();
  EXPECT_EQ(inside, (Names{"f1", "relu.0", "f2", "sum.0"}));
}

// A network of gradients: its forward differentiates. Only what forward itself calls is perturbed.
TEST(OperatorModeTest, BackwardInsideForwardIsUnperturbedButForItsSites) {
  struct Energy : torch::nn::Module {
    torch::nn::Linear f1 = register_module("f1", torch::nn::Linear(3, 4));
    Tensor forward(const Tensor& positions, bool by_hand) {
      const Tensor x = positions.detach().requires_grad_();
      Tensor y = f1(x);
      if (by_hand) y = tap("f1", y);
      const Tensor energy = y.tanh().sum();
      return torch::autograd::grad({energy}, {x}, {}, std::nullopt, true)[0];
    }
  };
  Energy net;
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  const std::vector<Rule> rules{make_rule("f", "f1", Direction::kForward)};
  const auto by_mode = perturbed(net, rules, true, [&] { return net.forward(x, false); });
  expect_equal(by_mode, perturbed(net, rules, false, [&] { return net.forward(x, true); }));
  const auto clean = perturbed(net, {}, true, [&] { return net.forward(x, false); });
  EXPECT_FALSE(all_equal(by_mode, clean));
}

TEST(OperatorModeTest, DoubleBackwardIsExact) {
  Mlp net;
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  const auto second = [&](bool mode) {
    const OperatorSites sites = operator_sites(net);
    const SiteRecorder watching;
    Tensor y;
    if (mode) {
      const OperatorModeScope scope(sites);
      y = net.forward(x);
    } else {
      y = net.forward(x);
    }
    const auto first = gradients_of(net, y.square().sum(), true);
    return torch::autograd::grad({first[0].square().sum()}, {net.f1->weight, net.f2->weight});
  };
  expect_equal(second(true), second(false));
}

TEST(OperatorModeTest, ScopesNestAndAnExceptionLeavesThem) {
  Mlp net, other;
  const OperatorSites sites = operator_sites(net),
                      others({{"o1.weight", other.f1->weight}, {"o1.bias", other.f1->bias}});
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  const SiteRecorder recorder;
  const OperatorModeScope scope(sites);
  try {
    const OperatorModeScope inner(others);
    other.f1(x);
    torch::relu(x);
    other.f2(x);  // the wrong shape
  } catch (const c10::Error&) {
  }
  EXPECT_TRUE(others.skipped().empty());
  net.f1(x);
  torch::relu(x);
  EXPECT_EQ(recorder.boundaries(), (Names{"o1", "relu.0", "f1"}));
}

TEST(OperatorModeTest, AnObserverMayRunAScopeOfItsOwn) {
  Mlp net;
  const OperatorSites sites = operator_sites(net);
  const Tensor x = random({2, 3}, 1, torch::kFloat32);
  Names inside;
  const ObserverScope observer({.on_forward = [&](const TapPoint& at, const Tensor&) {
    if (at.site.name() != "f2") return Tensor();
    const SiteRecorder recorder;
    const OperatorModeScope scope(sites);
    net.f1(x);
    inside = recorder.boundaries();
    return Tensor();
  }});
  const OperatorModeScope scope(sites);
  net.forward(x);
  EXPECT_EQ(inside, Names{"f1"});
}

TEST(OperatorModeTest, RefusesAParameterWithoutAName) {
  EXPECT_EQ(test::message_of([] {
              OperatorSites({{"", torch::ones({1})}});
            }),
            "[hooks] expected the name of a parameter, got an empty one");
}

TEST(SelfTest, PassesAndLeavesAnOuterPlanAlone) {
  Plan plan({make_rule("f", "*", Direction::kBoth)}, {.seed = 7});
  const PlanScope scope(plan, {.rows = 2, .loss_divisor = 2});
  EXPECT_NO_THROW(self_test());
  EXPECT_TRUE(plan.ledger().take_entries().empty());
}

}  // namespace
}  // namespace gradquake
