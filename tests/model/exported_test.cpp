// What an exported model holds and hands out: its masks, its state, its outputs and inputs.
#include "gradquake/model/exported/exported_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "exported_case.h"
#include "files.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/model/registry.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/model/weights.h"

namespace gradquake::model::exported {
namespace {

using data::TemporaryFolder;
using data::user_error;
using Names = std::vector<std::string>;

std::map<std::string, at::Tensor> state_of(const ExportedModel& model) {
  std::map<std::string, at::Tensor> state;
  for (const auto& one : model.named_parameters()) state[one.key()] = one.value().detach().clone();
  for (const auto& one : model.named_buffers()) state[one.key()] = one.value().clone();
  return state;
}

TEST(ExportedTest, AddressedMasksAreThoseOfTheirAddress) {
  const auto model = kMlp.load(DropoutMasks::kAddressed);
  const MlpWeights weights(*model);
  const at::Tensor input = kMlp.rows();
  const auto output_at = [&](std::int64_t step) {
    const DropoutScope masks({.seed = 1, .step = step});
    return model->forward(input);
  };
  const at::Tensor first = output_at(2);
  EXPECT_TRUE(at::equal(output_at(2), first));
  EXPECT_FALSE(at::equal(output_at(3), first));
  {
    const DropoutScope masks({.seed = 1, .step = 2});
    const at::Tensor dropped = dropout("dropout", at::relu(weights.hidden(input)), 0.5);
    EXPECT_TRUE(at::allclose(at::linear(dropped, weights.w2, weights.b2), first));
  }
  model->eval();
  EXPECT_TRUE(at::allclose(output_at(2), weights.rest(weights.hidden(input))));
}

TEST(ExportedTest, AddressedDropoutInPlaceIsSeenByItsReaders) {
  const auto model = kImages.load(DropoutMasks::kAddressed);
  const at::Tensor input = kImages.rows();
  at::Tensor before, behind;
  const ObserverScope scope({.on_forward = [&](const TapPoint& at, const at::Tensor& tensor) {
    if (at.site.name() == "norm3") before = tensor.detach().clone();
    if (at.site.name() == ":aten.relu") behind = tensor.detach().clone();
    return at::Tensor();
  }});
  const DropoutScope masks({.seed = 1, .step = 2});
  model->forward(input);
  const DropoutScope again({.seed = 1, .step = 2});
  EXPECT_TRUE(at::equal(behind, at::relu(dropout("drop", before, 0.3))));
  const Names notes = model->notes();
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_TRUE(notes[0].starts_with("no sites are ")) << notes[0];
  EXPECT_TRUE(notes[1].starts_with("drop_maps (feature_dropout) draws")) << notes[1];
}

TEST(ExportedTest, TorchMasksAreThoseOfItsGenerator) {
  const auto model = kMlp.load();
  const MlpWeights weights(*model);
  const at::Tensor input = kMlp.rows();
  const DropoutScope not_asked({.seed = 1, .step = 2});
  at::manual_seed(5);
  const at::Tensor output = model->forward(input);
  at::manual_seed(5);
  const at::Tensor dropped = at::dropout(at::relu(weights.hidden(input)), 0.5, true);
  EXPECT_TRUE(at::equal(output, at::linear(dropped, weights.w2, weights.b2)));
}

TEST(ExportedTest, BuffersMoveInTrainingAlone) {
  for (const Case& one : {kImages, kShared}) {
    const auto model = one.load();
    const at::Tensor input = one.rows();
    const auto fresh = state_of(*model);
    model->eval();
    const at::Tensor output = model->forward(input);
    EXPECT_TRUE(at::equal(model->forward(input), output)) << one.name;
    for (const auto& [name, tensor] : state_of(*model)) EXPECT_TRUE(at::equal(tensor, fresh.at(name))) << name;
    model->train();
    model->forward(input);
    const auto moved = state_of(*model);
    const Names expected = one.name == std::string("images")
                               ? Names{"norm1.running_mean", "norm1.running_var", "norm1.num_batches_tracked",
                                       "norm3.running_mean", "norm3.running_var", "norm3.num_batches_tracked"}
                               : Names{"steps", "level"};
    for (const auto& [name, tensor] : moved) {
      const bool moves = std::find(expected.begin(), expected.end(), name) != expected.end();
      EXPECT_EQ(!at::equal(tensor, fresh.at(name)), moves) << name;
    }
    const std::string counter = one.name == std::string("images") ? "norm1.num_batches_tracked" : "steps";
    EXPECT_EQ(moved.at(counter).item<std::int64_t>(), fresh.at(counter).item<std::int64_t>() + 1);
  }
}

TEST(ExportedTest, TiedWeightsAreOneTensorTrainedOnce) {
  const auto model = kShared.load();
  const auto held = model->named_parameters();
  const std::pair<const char*, const char*> tied[] = {{"encode.weight", "decode.weight"},
                                                      {"base.linear.weight", "alias.linear.weight"},
                                                      {"base.linear.bias", "alias.linear.bias"}};
  const TrainedParameters trained = trained_parameters(*model);
  for (const auto& [first, second] : tied) {
    EXPECT_TRUE(held[first].is_same(held[second])) << first;
    EXPECT_EQ(std::count(trained.names.begin(), trained.names.end(), first) +
                  std::count(trained.names.begin(), trained.names.end(), second),
              1)
        << first;
  }
  EXPECT_FALSE(held["encode.bias"].is_same(held["decode.bias"]));
  const TemporaryFolder folder;
  {
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : trained.tensors) at::Tensor(parameter).add_(1);
  }
  save_weights(folder.path("weights.safetensors"), *model);
  const auto other = kShared.load();
  load_weights(folder.path("weights.safetensors"), *other);
  EXPECT_TRUE(at::equal(other->named_parameters()["decode.weight"], held["encode.weight"]));
  EXPECT_TRUE(other->named_parameters()["decode.weight"].is_same(other->named_parameters()["encode.weight"]));
}

TEST(ExportedTest, StateIsInTheOrderOfTheFile) {
  const auto model = kMlp.load();
  Names names;
  for (const StoredTensor& one : model->program().state) names.push_back(one.name);
  EXPECT_EQ(names, (Names{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}));
}

TEST(ExportedTest, WhatIsNotInStateDictIsABufferOfItsOwn) {
  const auto model = kShared.load();
  EXPECT_TRUE(model->named_buffers().contains("offset"));
  EXPECT_FALSE(model->in_state_dict("offset"));
  EXPECT_TRUE(model->in_state_dict("steps"));
}

TEST(ExportedTest, ASavedArchiveIsTheNetworkAsItStands) {
  const TemporaryFolder folder;
  for (const Case& one : kCases) {
    const auto model = one.load();
    {
      const at::NoGradGuard no_grad;
      for (const at::Tensor& parameter : trained_parameters(*model).tensors) at::Tensor(parameter).mul_(1.5);
    }
    model->forward(one.rows());
    model->save_beside_weights(folder.path(""));
    const auto again = load_exported(folder.path("model.pt2"), one.output);
    const auto expected = state_of(*model);
    for (const auto& [name, tensor] : state_of(*again)) EXPECT_TRUE(at::equal(tensor, expected.at(name))) << name;
    model->eval(), again->eval();
    EXPECT_TRUE(at::equal(again->forward(one.rows()), model->forward(one.rows()))) << one.name;
  }
}

TEST(ExportedTest, AnyOfTheOutputsIsTheOutput) {
  const at::Tensor logits = kShared.load()->forward(kShared.rows());
  EXPECT_EQ(logits.sizes(), (at::IntArrayRef{5, 5}));
  EXPECT_EQ(load_exported(exported_file("shared"), "extra")->forward(kShared.rows()).sizes(), (at::IntArrayRef{5, 4}));
}

TEST(ExportedTest, TheInputIsFoundByItsNameOrByTheWiringOrAlone) {
  const at::Tensor input = kMlp.rows();
  const auto output_of = [&](const Names& inputs, const std::string& name) {
    ExportedModel model(exported_file("mlp"), DropoutMasks::kTorch, {inputs, std::nullopt});
    model.eval();
    return model.forward_batch(data::Batch({{name, input}, {"other", at::zeros({5, 6})}}));
  };
  const at::Tensor expected = output_of({}, "x");
  EXPECT_TRUE(at::equal(output_of({}, "input"), expected));
  EXPECT_TRUE(at::equal(output_of({"pixels"}, "pixels"), expected));
  EXPECT_FALSE(at::equal(output_of({"other"}, "pixels"), expected));
  EXPECT_NE(user_error([&] { output_of({}, "pixels"); }).find("expected a batch with a tensor 'input'"),
            std::string::npos);
}

TEST(ExportedTest, AConfigMakesItByItsKind) {
  ModelConfig config;
  config.spec = {"exported", {{"path", exported_file("shared")}, {"output", "extra"}, {"dropout", "torch"}}};
  const Network network = make_network(config, {{4, 6}, 4}, 1);
  const at::Tensor input = kShared.rows();
  EXPECT_TRUE(at::equal(network.forward(data::Batch(input, at::zeros({5}, at::kLong))),
                        load_exported(exported_file("shared"), "extra")->forward(input)));
}

}  // namespace
}  // namespace gradquake::model::exported
