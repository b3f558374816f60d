// The built-in networks against the same networks in Python: reference/networks.py wrote the runs.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <fstream>

#include "gradquake/data/safetensors.h"
#include "gradquake/model/module_state.h"
#include "gradquake/model/registry.h"
#include "gradquake/train/objective.h"

namespace gradquake::model {
namespace {

const std::string kInitial = "initial.";

data::NamedTensors read_run(const std::string& name) {
  const std::string path = GRADQUAKE_SOURCE_DIR "/tests/model/reference/" + name + ".safetensors";
  std::ifstream file(path, std::ios::binary);
  return data::parse_safetensors(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

std::size_t initial_tensors(const data::NamedTensors& run) {
  std::size_t count = 0;
  for (const auto& [name, tensor] : run)
    if (name.rfind(kInitial, 0) == 0) ++count;
  return count;
}

// Every parameter and buffer from the file, whose names and shapes are the network's.
void load_initial(torch::nn::Module& module, const data::NamedTensors& run) {
  const at::NoGradGuard no_grad;
  const auto parameters = module.named_parameters(), buffers = module.named_buffers();
  ASSERT_EQ(initial_tensors(run), parameters.size() + buffers.size());
  for (const auto* tensors : {&parameters, &buffers}) {
    for (const auto& tensor : *tensors) {
      const auto given = run.find(kInitial + tensor.key());
      ASSERT_NE(given, run.end()) << tensor.key();
      ASSERT_EQ(tensor.value().sizes(), given->second.sizes()) << tensor.key();
      tensor.value().copy_(given->second);
    }
  }
}

void step(const std::vector<at::Tensor>& parameters, const at::Tensor& loss, double learning_rate) {
  const auto gradients = torch::autograd::grad({loss}, parameters);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].sub_(gradients[i], learning_rate);
}

// The largest relative difference of a step's loss.
double train_beside(const std::string& name, const KindSpec& spec, const ModelInput& input) {
  at::set_num_threads(1);  // tensors this small only make threads wait for each other
  const data::NamedTensors run = read_run(name);
  ModelConfig config;
  config.spec = spec;
  const Network network = make_network(config, input, 1);
  convert(*network.module, at::kCPU, at::kDouble);
  load_initial(*network.module, run);
  const auto objective = train::make_objective("cross_entropy");
  const at::Tensor& inputs = run.at("inputs");
  const at::Tensor& losses = run.at("losses");
  double largest = losses.size(0) == 50 ? 0 : INFINITY;
  for (std::int64_t t = 0; t < losses.size(0); ++t) {
    const data::Batch batch(inputs[t % inputs.size(0)], run.at("targets")[t % inputs.size(0)]);
    const at::Tensor loss = objective->loss(network.forward(batch), batch);
    largest = std::max(largest, std::abs(loss.item<double>() / losses[t].item<double>() - 1));
    step(network.module->parameters(), loss, run.at("learning_rate").item<double>());
  }
  testing::Test::RecordProperty("largest_relative_difference", std::to_string(largest * 1e12) + "e-12");
  return largest;
}

TEST(ReferenceTest, AResnetTrainsAsInPython) {
  EXPECT_LT(train_beside("resnet", {"resnet", {{"depth", 14}, {"width", 4}}}, {{2, 8, 7}, 5}), 1e-9);
}

TEST(ReferenceTest, ATransformerTrainsAsInPython) {
  const KindSpec spec("transformer",
                      {{"layers", 2}, {"heads", 2}, {"width", 12}, {"feed_forward", 30}, {"context", 12}});
  EXPECT_LT(train_beside("transformer", spec, {{9}, 11}), 1e-9);
}

TEST(ReferenceTest, AnLstmTrainsAsInPython) {
  EXPECT_LT(train_beside("lstm", {"lstm", {{"layers", 2}, {"width", 12}}}, {{9}, 11}), 1e-9);
}

}  // namespace
}  // namespace gradquake::model
