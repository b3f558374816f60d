// resnet, transformer and lstm: names, shapes, what a perturbation reaches, and the mistakes.
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "gradquake/core/error.h"
#include "gradquake/curvature/hessian_operator.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/model/module_state.h"
#include "make_model.h"

namespace gradquake::model {
namespace {

using Names = std::vector<std::string>;
using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kRows = 3, kLength = 7, kTokens = 11;
const ModelInput kImages{{2, 10, 9}, 5}, kText{{kLength}, kTokens};

struct Case {
  KindSpec spec;
  ModelInput input;
};

const Case kResnet{{"resnet", {{"depth", 8}, {"width", 4}}}, kImages};
const Case kTransformer{{"transformer", {{"layers", 2}, {"heads", 2}, {"width", 8}}}, kText};
const Case kLstm{{"lstm", {{"layers", 2}, {"width", 6}}}, kText};

std::shared_ptr<Model> made(const Case& network) {
  ModelConfig config;
  config.spec = network.spec;
  return make_model(config, network.input, 1);
}

Case with(Case network, const std::string& name, KindValue value) {
  network.spec.set(name, std::move(value));
  return network;
}

Case on(Case network, ModelInput input) {
  network.input = std::move(input);
  return network;
}

at::Tensor sample(const Case& network) {
  if (network.input.sample.size() == 1)
    return at::arange(kRows * kLength, at::kLong).mul(5).remainder(kTokens).reshape({kRows, kLength});
  return at::arange(kRows * 2 * 10 * 9).sin().reshape({kRows, 2, 10, 9});
}

Names parameter_names(const Model& model) {
  Names names;
  for (const auto& parameter : model.named_parameters()) names.push_back(parameter.key());
  return names;
}

std::vector<SiteInfo> sites_of(const Case& network) {
  const auto model = made(network);
  const SiteRecorder recorder;
  model->forward(sample(network));
  std::vector<SiteInfo> sites = recorder.sites();
  std::erase_if(sites, [](const SiteInfo& site) { return lies_beneath(site.name); });
  return sites;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of(const Case& network) {
  return error_of([&] { made(network); });
}

// The same shape, every element moved otherwise: a shift alone would not pass a norm.
at::Tensor moved(const at::Tensor& tensor) {
  return tensor + at::arange(tensor.numel(), tensor.options()).cos().reshape(tensor.sizes());
}

// What each site or parameter holds, by name, with one site moved or none.
using Values = std::vector<std::pair<std::string, at::Tensor>>;

Values activations(const Case& network, const std::string& site) {
  const auto model = made(network);
  Values values;
  const ObserverScope scope({.on_forward = [&](const TapPoint& at, const at::Tensor& tensor) {
    values.emplace_back(at.site.name(), tensor.detach().clone());
    return at.site.name() == site ? moved(tensor) : at::Tensor();
  }});
  model->forward(sample(network));
  return values;
}

Values gradients(const Case& network, const std::string& site) {
  const auto model = made(network);
  const ObserverScope scope({.on_backward = [&](const TapPoint& at, const at::Tensor& gradient) {
    return at.site.name() == site ? moved(gradient) : at::Tensor();
  }});
  model->forward(sample(network)).square().sum().backward();
  Values values;
  for (const auto& parameter : model->named_parameters())
    values.emplace_back(parameter.key(), parameter.value().grad().clone());
  return values;
}

Names changed(const Values& clean, const Values& perturbed) {
  Names names;
  for (std::size_t i = 0; i < clean.size(); ++i)
    if (!at::equal(clean[i].second, perturbed[i].second)) names.push_back(clean[i].first);
  return names;
}

Names changed_sites(const Case& network, const std::string& site) {
  return changed(activations(network, ""), activations(network, site));
}

bool reaches(const Case& network, const std::string& site, const std::string& module) {
  const Names parameters = changed(gradients(network, ""), gradients(network, site));
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const std::string& parameter) { return parameter.rfind(module + ".", 0) == 0; });
}

void expect_sites(const Case& network, const std::vector<std::pair<std::string, Shape>>& expected) {
  const auto sites = sites_of(network);
  ASSERT_EQ(sites.size(), expected.size());
  for (std::size_t i = 0; i < sites.size(); ++i) {
    EXPECT_EQ(sites[i].name, expected[i].first);
    EXPECT_EQ(sites[i].shape, expected[i].second) << sites[i].name;
    EXPECT_EQ(sites[i].occurrences, 1) << sites[i].name;
  }
}

TEST(NetworksTest, AResnetTapsItsStemBranchesBlocksAndItsLastMap) {
  expect_sites(kResnet, {{"relu", {3, 4, 10, 9}},
                         {"layer1.0.bn2", {3, 4, 10, 9}},
                         {"layer1.0", {3, 4, 10, 9}},
                         {"layer2.0.bn2", {3, 8, 5, 5}},
                         {"layer2.0", {3, 8, 5, 5}},
                         {"layer3.0.bn2", {3, 16, 3, 3}},
                         {"layer3.0", {3, 16, 3, 3}},
                         {"fc", {3, 5}}});
  EXPECT_EQ(sites_of(with(kResnet, "depth", 20)).size(), 1u + 2u * 9u + 1u);
}

TEST(NetworksTest, AResnetsModulesHaveTorchvisionsNames) {
  const Names block = {"conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias"};
  Names expected = {"conv1.weight", "bn1.weight", "bn1.bias"};
  for (const std::string layer : {"layer1.0.", "layer2.0.", "layer3.0."}) {
    for (const auto& name : block) expected.push_back(layer + name);
    if (layer == "layer1.0.") continue;
    for (const std::string name : {"downsample.0.weight", "downsample.1.weight", "downsample.1.bias"})
      expected.push_back(layer + name);
  }
  expected.insert(expected.end(), {"fc.weight", "fc.bias"});
  EXPECT_EQ(parameter_names(*made(kResnet)), expected);
}

// The usual ResNet-20 for CIFAR-10 has 269,722 with option A; option B adds two projections.
TEST(NetworksTest, AResnet20HasTheUsualNumberOfWeights) {
  std::int64_t weights = 0;
  for (const auto& parameter : made(on({"resnet", {}}, {{3, 32, 32}, 10}))->parameters()) weights += parameter.numel();
  EXPECT_EQ(weights, 269722 + (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64));
}

TEST(NetworksTest, ATransformerTapsItsBranchesAndItsResidualStream) {
  const Shape stream = {3, 7, 8};
  expect_sites(kTransformer, {{"embedding", stream},
                              {"blocks.0.attention", stream},
                              {"blocks.0.mlp", stream},
                              {"blocks.0", stream},
                              {"blocks.1.attention", stream},
                              {"blocks.1.mlp", stream},
                              {"blocks.1", stream},
                              {"norm", stream},
                              {"head", {3, 7, 11}}});
  const auto model = made(with(kTransformer, "context", 20));
  const auto parameters = model->named_parameters();
  const auto shape = [&](const std::string& name) { return parameters[name].sizes().vec(); };
  EXPECT_EQ(shape("embedding.token.weight"), (Shape{11, 8}));
  EXPECT_EQ(shape("embedding.position.weight"), (Shape{20, 8}));
  EXPECT_EQ(shape("blocks.1.norm1.weight"), (Shape{8}));
  EXPECT_EQ(shape("blocks.1.attention.qkv.weight"), (Shape{24, 8}));
  EXPECT_EQ(shape("blocks.1.attention.proj.bias"), (Shape{8}));
  EXPECT_EQ(shape("blocks.1.norm2.bias"), (Shape{8}));
  EXPECT_EQ(shape("blocks.1.mlp.fc1.weight"), (Shape{32, 8}));
  EXPECT_EQ(shape("blocks.1.mlp.fc2.weight"), (Shape{8, 32}));
  EXPECT_EQ(shape("norm.weight"), (Shape{8}));
  EXPECT_EQ(shape("head.weight"), (Shape{11, 8}));
  EXPECT_EQ(parameters.size(), 2u + 2u * 12u + 4u);
}

TEST(NetworksTest, AnLstmTapsEveryLayer) {
  expect_sites(kLstm, {{"embedding", {3, 7, 6}}, {"lstm.0", {3, 7, 6}}, {"lstm.1", {3, 7, 6}}, {"head", {3, 7, 11}}});
  Names expected = {"embedding.weight"};
  for (const std::string layer : {"lstm.0.", "lstm.1."})
    for (const std::string name : {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"})
      expected.push_back(layer + name);
  expected.insert(expected.end(), {"head.weight", "head.bias"});
  EXPECT_EQ(parameter_names(*made(kLstm)), expected);
}

TEST(NetworksTest, AForwardPerturbationReachesWhatComesBehindIt) {
  EXPECT_EQ(changed_sites(kTransformer, "blocks.0.mlp"),
            (Names{"blocks.0", "blocks.1.attention", "blocks.1.mlp", "blocks.1", "norm", "head"}));
  EXPECT_EQ(changed_sites(kTransformer, "blocks.1.attention"), (Names{"blocks.1.mlp", "blocks.1", "norm", "head"}));
  EXPECT_EQ(changed_sites(kTransformer, "blocks.1"), (Names{"norm", "head"}));
  EXPECT_EQ(changed_sites(kResnet, "layer2.0.bn2"), (Names{"layer2.0", "layer3.0.bn2", "layer3.0", "fc"}));
  EXPECT_EQ(changed_sites(kLstm, "lstm.0"), (Names{"lstm.1", "head"}));
  EXPECT_EQ(changed_sites(kLstm, "head"), Names{});
}

// The gradient at a branch walks into the branch and out of its input, and past what adds to it.
TEST(NetworksTest, ABackwardPerturbationOfABranchReachesTheBranchAndWhatLiesBeforeIt) {
  const std::string attention = "blocks.1.attention";
  for (const std::string module : {"blocks.1.attention", "blocks.1.norm1", "blocks.0.mlp", "blocks.0.attention",
                                   "embedding.token", "embedding.position"})
    EXPECT_TRUE(reaches(kTransformer, attention, module)) << module;
  for (const std::string module : {"blocks.1.norm2", "blocks.1.mlp", "norm", "head"})
    EXPECT_FALSE(reaches(kTransformer, attention, module)) << module;
  for (const std::string module : {"layer2.0.bn2", "layer2.0.conv1", "layer1.0.bn2", "conv1"})
    EXPECT_TRUE(reaches(kResnet, "layer2.0.bn2", module)) << module;
  for (const std::string module : {"layer2.0.downsample", "layer3.0", "fc"})
    EXPECT_FALSE(reaches(kResnet, "layer2.0.bn2", module)) << module;
  EXPECT_TRUE(reaches(kResnet, "layer2.0", "layer2.0.downsample"));
}

TEST(NetworksTest, ATokenChangesNothingBeforeIt) {
  for (const Case& network : {kTransformer, kLstm}) {
    const auto model = made(network);
    const at::Tensor tokens = sample(network), clean = model->forward(tokens);
    for (std::int64_t t = 0; t < kLength; ++t) {
      at::Tensor other = tokens.clone();
      other.select(1, t).add_(1).remainder_(kTokens);
      const at::Tensor scores = model->forward(other);
      EXPECT_TRUE(at::equal(scores.narrow(1, 0, t), clean.narrow(1, 0, t))) << network.spec.kind << t;
      for (std::int64_t later = t; later < kLength; ++later)
        EXPECT_FALSE(at::equal(scores.select(1, later), clean.select(1, later))) << network.spec.kind << t;
    }
  }
}

TEST(NetworksTest, AShorterSequenceGivesTheSameScores) {
  for (const Case& network : {kTransformer, kLstm}) {
    const auto model = made(network);
    const at::Tensor tokens = sample(network);
    EXPECT_TRUE(at::allclose(model->forward(tokens.narrow(1, 0, 4)), model->forward(tokens).narrow(1, 0, 4)));
  }
}

TEST(NetworksTest, DropoutIsAddressedAndActsInTrainingOnly) {
  for (const Case& network : {kTransformer, kLstm}) {
    const auto dropped = made(with(network, "dropout", 0.3)), plain = made(network);
    const at::Tensor tokens = sample(network);
    const auto masked = [&](std::int64_t step) {
      const DropoutScope masks({.seed = 1, .step = step});
      return dropped->forward(tokens);
    };
    EXPECT_TRUE(at::equal(masked(3), masked(3)));
    EXPECT_FALSE(at::equal(masked(3), masked(4)));
    dropped->eval();
    EXPECT_TRUE(at::equal(masked(3), plain->forward(tokens)));
  }
}

TEST(NetworksTest, FirstWeightsHaveTheStatedSpread) {
  const auto spread = [](const Case& network, const std::string& name) {
    return made(network)->named_parameters()[name].std().item<double>();
  };
  const auto expect_near = [](double found, double expected) { EXPECT_NEAR(found / expected, 1, 0.1); };
  const Case wide_resnet = with(kResnet, "width", 32), wide = with(kTransformer, "width", 64);
  expect_near(spread(wide_resnet, "layer2.0.conv2.weight"), std::sqrt(2.0 / (64 * 9)));
  expect_near(spread(wide_resnet, "layer3.0.downsample.0.weight"), std::sqrt(2.0 / 128));
  for (const std::string name : {"embedding.token.weight", "blocks.0.attention.qkv.weight", "blocks.1.mlp.fc2.weight"})
    expect_near(spread(wide, name), 0.02);
  EXPECT_EQ(spread(wide, "blocks.0.mlp.fc1.bias"), 0);
  expect_near(spread(with(kLstm, "width", 64), "embedding.weight"), 1);
  expect_near(spread(with(kLstm, "width", 64), "lstm.0.weight_hh_l0"), 1 / std::sqrt(3.0 * 64));
}

std::vector<at::Tensor> hessian_product(const Case& network, at::ScalarType dtype) {
  const auto model = made(network);
  convert(*model, at::kCPU, dtype);
  const at::Tensor input = sample(network);
  std::vector<at::Tensor> direction;
  for (const auto& parameter : model->parameters())
    direction.push_back(at::arange(parameter.numel(), parameter.options()).cos().reshape(parameter.sizes()));
  const curvature::StateGuard guard(*model);
  const auto loss = [&] { return model->forward(input.is_floating_point() ? input.to(dtype) : input).square().sum(); };
  return curvature::HessianOperator(loss, model->parameters()).apply(direction);
}

// The kernels of float32 (oneDNN's LSTM among them) have second derivatives, and the same as those of float64.
TEST(NetworksTest, CurvatureIsThatOfFloat64) {
  for (const Case& network : {kResnet, kTransformer, kLstm}) {
    const auto single = hessian_product(network, at::kFloat), exact = hessian_product(network, at::kDouble);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      difference += (single[i].to(at::kDouble) - exact[i]).square().sum().item<double>();
      size += exact[i].square().sum().item<double>();
    }
    EXPECT_GT(size, 0);
    EXPECT_LT(difference, 1e-6 * size) << network.spec.kind;
  }
}

TEST(NetworksTest, MistakesAreOneLine) {
  EXPECT_EQ(error_of(on(kResnet, {{64}, 10})),
            "[model] resnet: expected images [channels, rows, columns], got samples of 1 dimension");
  EXPECT_EQ(error_of(on(kTransformer, kImages)),
            "[model] transformer: expected sequences of tokens [length], got samples of 3 dimensions");
  EXPECT_EQ(error_of(on(kLstm, {{64}, 0})),
            "[model] lstm: expected classes, one a token, got labels -1 / +1 as targets");
  EXPECT_EQ(error_of(on(kLstm, {{64}, 0, 2})), "[model] lstm: expected classes, one a token, got numbers as targets");
  EXPECT_EQ(error_of(with(kTransformer, "context", 6)),
            "[model] transformer: expected a context of at least the data's 7 tokens, got 6");
  const auto model = made(kTransformer), lstm = made(kLstm);
  EXPECT_EQ(error_of([&] {
              lstm->forward(at::ones({2, 7}));
            }),
            "[model] lstm: expected tokens as integers [rows, length], got Float of shape [2, 7]");
  EXPECT_EQ(error_of([&] {
              model->forward(at::ones({2, 8}, at::kLong));
            }),
            "[model] transformer: expected at most 7 tokens, its context, got 8");
  EXPECT_NE(error_of(with(kResnet, "depth", 21)).find("depth: expected 6n + 2 (20, 32, 44, 56, ...), got 21"),
            std::string::npos);
  EXPECT_NE(error_of(with(kTransformer, "heads", 3)).find("heads: expected a divisor of the width 8, got 3"),
            std::string::npos);
}

}  // namespace
}  // namespace gradquake::model
