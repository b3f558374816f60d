#include "gradquake/model/model.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/core/error.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/registry.h"
#include "make_model.h"

namespace gradquake::model {
namespace {

using Names = std::vector<std::string>;

ModelConfig config_of(const std::string& kind, std::vector<std::int64_t> widths = {}) {
  ModelConfig config;
  config.spec = kind;
  if (!widths.empty()) config.spec.set("widths", std::move(widths));
  return config;
}

KindSpec block(std::int64_t channels, bool batch_norm = false, bool pool = false) {
  return {"", {{"channels", channels}, {"batch_norm", batch_norm}, {"pool", pool}}};
}

ModelConfig small_cnn() {
  ModelConfig config = config_of("cnn");
  config.spec.set("blocks", std::vector<KindSpec>{block(4, true, true), block(6, false, true), block(5)});
  return config;
}

Names parameter_names(const Model& model) {
  Names names;
  for (const auto& parameter : model.named_parameters()) names.push_back(parameter.key());
  return names;
}

Names site_names(Model& model, const at::Tensor& input, const at::Tensor& target) {
  const SiteRecorder recorder;
  model.forward_batch(target.defined() ? data::Batch(input, target) : data::Batch({{"input", input}}));
  return recorder.boundaries();
}

std::string error_of(const ModelConfig& config, const ModelInput& input) {
  try {
    make_model(config, input, 1);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

bool equal_parameters(const Model& a, const Model& b) {
  const auto left = a.parameters(), right = b.parameters();
  for (std::size_t i = 0; i < left.size(); ++i)
    if (!at::equal(left[i], right[i])) return false;
  return left.size() == right.size();
}

at::Tensor generator_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

TEST(ModelTest, AnMlpTapsEveryOperatorByLayer) {
  const auto mlp = make_model(config_of("mlp", {12, 7, 5, 3}), {{3, 4}, 3}, 1);
  EXPECT_EQ(site_names(*mlp, at::ones({2, 3, 4}), {}), (Names{"layers.0", "layers.1", "layers.2"}));
  EXPECT_EQ(parameter_names(*mlp), (Names{"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
                                          "layers.2.weight", "layers.2.bias"}));
}

TEST(ModelTest, AnMlpIsItsFormula) {
  for (const std::string name : {"relu", "tanh", "gelu", "sigmoid"}) {
    auto config = config_of("mlp", {4, 6, 3});
    config.spec.set("activation", name);
    const auto mlp = make_model(config, {{4}, 3}, 5);
    const auto w = mlp->parameters();
    const at::Tensor x = at::linspace(-1, 1, 8).reshape({2, 4});
    const at::Tensor hidden = at::mm(x, w[0].t()) + w[1];
    at::Tensor activated;
    if (name == "relu") activated = hidden.clamp_min(0);
    if (name == "tanh") activated = 1 - 2 / ((2 * hidden).exp() + 1);
    if (name == "gelu") activated = 0.5 * hidden * (1 + at::erf(hidden / std::sqrt(2.0)));
    if (name == "sigmoid") activated = 1 / (1 + (-hidden).exp());
    EXPECT_TRUE(at::allclose(mlp->forward(x), at::mm(activated, w[2].t()) + w[3], 1e-5, 1e-6)) << name;
  }
}

TEST(ModelTest, DropoutActsOnHiddenLayersInTrainingOnly) {
  auto config = config_of("mlp", {4, 500, 2});
  config.spec.set("dropout", 0.5);
  const auto mlp = make_model(config, {{4}, 2}, 1);
  const auto plain = make_model(config_of("mlp", {4, 500, 2}), {{4}, 2}, 1);
  const at::Tensor x = at::ones({3, 4});
  EXPECT_FALSE(at::equal(mlp->forward(x), mlp->forward(x)));  // no scope: LibTorch's generator
  const auto masked = [&](std::int64_t step) {
    const DropoutScope masks({.seed = 1, .step = step});
    return mlp->forward(x);
  };
  EXPECT_TRUE(at::equal(masked(3), masked(3)));
  EXPECT_FALSE(at::equal(masked(3), masked(4)));
  mlp->eval();
  EXPECT_TRUE(at::equal(mlp->forward(x), plain->forward(x)));
}

TEST(ModelTest, ACnnTapsItsBlocksAndItsHead) {
  const auto cnn = make_model(small_cnn(), {{1, 9, 8}, 10}, 1);
  const at::Tensor x = at::ones({2, 1, 9, 8});
  EXPECT_EQ(site_names(*cnn, x, {}), (Names{"blocks.0", "blocks.1", "blocks.2", "head"}));
  EXPECT_EQ(cnn->forward(x).sizes(), (at::IntArrayRef{2, 10}));
  EXPECT_EQ(parameter_names(*cnn),
            (Names{"blocks.0.conv.weight", "blocks.0.norm.weight", "blocks.0.norm.bias", "blocks.1.conv.weight",
                   "blocks.1.conv.bias", "blocks.2.conv.weight", "blocks.2.conv.bias", "head.weight", "head.bias"}));
}

TEST(ModelTest, ACnnBlockIsConvolutionNormReluPool) {
  auto config = config_of("cnn");
  config.spec.set("blocks", std::vector<KindSpec>{block(3, true, true)});
  const auto cnn = make_model(config, {{2, 4, 4}, 2}, 3);
  const auto w = cnn->parameters();
  const at::Tensor x = at::linspace(-1, 1, 96).reshape({3, 2, 4, 4}).sin();
  const at::Tensor conv = at::conv2d(x, w[0], {}, 1, 1);
  const at::Tensor mean = conv.mean({0, 2, 3}, true), variance = conv.var({0, 2, 3}, false, true);
  const at::Tensor relu = ((conv - mean) / (variance + 1e-5).sqrt()).clamp_min(0);
  const at::Tensor pooled = relu.reshape({3, 3, 2, 2, 2, 2}).amax({3, 5});
  EXPECT_TRUE(at::allclose(cnn->forward(x), at::mm(pooled.flatten(1), w[3].t()) + w[4], 1e-4, 1e-5));
}

TEST(ModelTest, LogisticIsMinusTheLabelTimesTheScore) {
  const auto logistic = make_model(config_of("logistic"), {{3}, 0}, 1);
  const at::Tensor h = at::tensor({1.0f, 2.0f, 3.0f, -1.0f, 0.5f, 2.0f}).reshape({2, 3}), y = at::tensor({1.0f, -1.0f});
  EXPECT_EQ(parameter_names(*logistic), (Names{"w"}));
  EXPECT_TRUE(at::equal(logistic->forward_batch({h, y}), at::zeros({2})));
  EXPECT_EQ(site_names(*logistic, h, y), (Names{"f1"}));
  logistic->parameters()[0].set_data(at::tensor({2.0f, -1.0f, 0.5f}));
  EXPECT_TRUE(at::equal(logistic->forward(h), at::tensor({1.5f, -1.5f})));
  EXPECT_TRUE(at::equal(logistic->forward_batch({h, y}), at::tensor({-1.5f, -1.5f})));
}

TEST(ModelTest, ALogisticModelTakesSignedLabelsOnly) {
  EXPECT_EQ(error_of(config_of("logistic"), {{64}, 10}),
            "[model] logistic: expected data with labels -1 / +1, got 10 classes");
}

TEST(ModelTest, AnOrthogonalChainStretchesEveryVectorByItsFactor) {
  auto config = config_of("linear_chain");
  config.spec.set("depth", 5);
  config.spec.set("orthogonal", true);
  config.spec.set("factor", 1.3);
  const auto chain = make_model(config, {{16}, 16}, 7);
  const at::Tensor x = at::linspace(-1, 2, 48).reshape({3, 16});
  const at::Tensor ratio = chain->forward(x).norm(2, {1}) / x.norm(2, {1});
  EXPECT_TRUE(at::allclose(ratio, at::full({3}, std::pow(1.3, 5)), 1e-5, 0));
  EXPECT_EQ(site_names(*chain, x, {}), (Names{"layers.0", "layers.1", "layers.2", "layers.3", "layers.4"}));
  EXPECT_EQ(chain->parameters().size(), 5u);
}

// The gradient of the last output walks back through W^T, whose rows are orthonormal up to the factor.
TEST(ModelTest, AnOrthogonalChainOntoFewOutputsKeepsGradientNorms) {
  auto config = config_of("linear_chain");
  config.spec.set("depth", 3);
  config.spec.set("orthogonal", true);
  config.spec.set("factor", 0.5);
  const auto chain = make_model(config, {{16}, 4}, 7);
  at::Tensor gradient = at::ones({1, 4}) / 2;
  const auto w = chain->parameters();
  for (auto operator_weight = w.rbegin(); operator_weight != w.rend(); ++operator_weight)
    gradient = at::mm(gradient, *operator_weight);
  EXPECT_NEAR(gradient.norm().item<double>(), 0.125, 1e-6);
}

TEST(ModelTest, ALinearChainOfWidthsIsTheProductOfItsOperators) {
  const auto chain = make_model(config_of("linear_chain", {4, 6, 2}), {{4}, 2}, 7);
  const auto w = chain->parameters();
  const at::Tensor x = at::linspace(-1, 1, 8).reshape({2, 4});
  EXPECT_TRUE(at::allclose(chain->forward(x), at::mm(x, at::mm(w[1], w[0]).t()), 1e-5, 1e-6));
}

TEST(ModelTest, InitialWeightsDependOnTheSeedAlone) {
  for (const auto& config : {config_of("mlp", {64, 8, 10}), config_of("linear_chain", {64, 10})}) {
    const auto first = make_model(config, {{64}, 10}, 3);
    at::rand({17});
    EXPECT_TRUE(equal_parameters(*first, *make_model(config, {{64}, 10}, 3))) << config.spec.kind;
    EXPECT_FALSE(equal_parameters(*first, *make_model(config, {{64}, 10}, 4))) << config.spec.kind;
  }
  const auto cnn = make_model(small_cnn(), {{1, 8, 8}, 10}, 3);
  EXPECT_TRUE(equal_parameters(*cnn, *make_model(small_cnn(), {{1, 8, 8}, 10}, 3)));
}

TEST(ModelTest, TheGlobalGeneratorIsLeftAsItWas) {
  const at::Tensor before = generator_state();
  make_model(config_of("mlp", {64, 8, 10}), {{64}, 10}, 3);
  EXPECT_TRUE(at::equal(generator_state(), before));
  EXPECT_NE(error_of(config_of("mlp", {63, 10}), {{64}, 10}), "no error");
  EXPECT_TRUE(at::equal(generator_state(), before));
}

// Bounds of U(-1/sqrt(64), 1/sqrt(64)), and its variance 1/192 within 4 standard errors.
TEST(ModelTest, InitialWeightsAreUniformWithTheFanInsBound) {
  const auto mlp = make_model(config_of("mlp", {64, 512, 10}), {{64}, 10}, 3);
  const at::Tensor w = mlp->parameters()[0];
  EXPECT_LE(w.abs().max().item<double>(), 0.125);
  EXPECT_GT(w.abs().max().item<double>(), 0.1249);
  const double variance = 1.0 / 192, standard_error = variance * std::sqrt(0.8 / (64 * 512));
  EXPECT_NEAR(w.var().item<double>(), variance, 4 * standard_error);
}

TEST(ModelTest, AModelStartsInTrainingModeAsFloat32) {
  const auto cnn = make_model(small_cnn(), {{1, 8, 8}, 10}, 1);
  EXPECT_TRUE(cnn->is_training());
  for (const auto& parameter : cnn->parameters()) EXPECT_EQ(parameter.scalar_type(), at::kFloat);
}

TEST(ModelTest, WidthsThatDoNotFitTheDataNameBothSides) {
  EXPECT_EQ(error_of(config_of("mlp", {784, 10}), {{64}, 10}),
            "[model] mlp: expected a first width of 64, the data's features, got 784");
  EXPECT_EQ(error_of(config_of("mlp", {64, 9}), {{64}, 10}),
            "[model] mlp: expected a last width of 10, the data's classes, got 9");
  EXPECT_EQ(error_of(config_of("linear_chain", {64, 2}), {{64}, 0}),
            "[model] linear_chain: expected a last width of 1 for labels -1 / +1, got 2");
  EXPECT_NE(error_of(config_of("mlp", {64}), {{64}, 10}).find("an input and an output width"), std::string::npos);
}

TEST(ModelTest, AHugeOperatorIsRefusedBeforeItIsAllocated) {
  EXPECT_NE(error_of(config_of("mlp", {64, 1 << 24, 1 << 24, 10}), {{64}, 10}).find("2^30 weights, got 16777216 x"),
            std::string::npos);
}

TEST(ModelTest, ACnnThatDoesNotFitTheImageIsRefused) {
  EXPECT_NE(error_of(small_cnn(), {{64}, 10}).find("expected images [channels, rows, columns]"), std::string::npos);
  auto config = config_of("cnn");
  config.spec.set("blocks", std::vector<KindSpec>(3, block(2, false, true)));
  EXPECT_NE(error_of(config, {{1, 7, 7}, 10}).find("got one of a 1 x 1 image in block 2"), std::string::npos);
  config.spec.set("blocks", std::vector<KindSpec>{});
  EXPECT_NE(error_of(config, {{1, 7, 7}, 10}).find("at least one block"), std::string::npos);
}

class Scaled : public Model {
 public:
  explicit Scaled(double factor) : factor_(register_parameter("factor", at::full({1}, factor))) {}
  at::Tensor forward(const at::Tensor& input) override { return tap("scaled", input * factor_); }

 private:
  at::Tensor factor_;
};

TEST(ModelTest, AUsersModelIsMadeByItsName) {
  const auto make = [](const KindSpec& spec, const ModelInput&) -> std::shared_ptr<Model> {
    if (spec.text("name") == "none") return nullptr;
    if (spec.text("name") == "thrown") throw std::runtime_error("out of luck");
    double factor = spec.flag("negative") ? -1 : 1;
    for (const double one : spec.numbers("factors")) factor *= one;
    return std::make_shared<Scaled>(factor);
  };
  const KindInfo info{
      "scaled",
      "the input, scaled",
      {Parameter::text("name", "for nothing").by_default("scaled"), Parameter::numbers("factors", "multiplied"),
       Parameter::flag("negative", "whether the sign is turned").by_default(false)}};
  models().add(info, make);
  auto config = config_of("scaled");
  config.spec.set("factors", std::vector<double>{1.5, 2}).set("negative", true);
  const auto model = make_model(config, {{2}, 2}, 1);
  EXPECT_TRUE(at::equal(model->forward(at::ones({1, 2})), at::full({1, 2}, -3.0)));
  EXPECT_EQ(site_names(*model, at::ones({1, 2}), {}), (Names{"scaled"}));
  EXPECT_THROW(models().add(info, make), std::invalid_argument);
  config.spec.set("name", "none");
  EXPECT_NE(error_of(config, {{2}, 2}).find("from the factory of 'scaled', got none"), std::string::npos);
  config.spec.set("name", "thrown");
  EXPECT_NE(error_of(config, {{2}, 2}).find("kind 'scaled': out of luck"), std::string::npos);
  EXPECT_NE(error_of(config_of("perceptron"), {{2}, 2}).find("got 'perceptron'"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::model
