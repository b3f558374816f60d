// Networks exported by Python, trained here and there: the same bits. Python runs exported/networks.py and
// exported/reference.py.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "exported_files.h"
#include "files.h"
#include "gradquake/data/safetensors.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/model/weights.h"
#include "python.h"

namespace gradquake::model::exported {
namespace {

using data::NamedTensors;
using data::TemporaryFolder;

constexpr std::int64_t kSteps = 3;
constexpr double kLearningRate = 0.05;
const std::string kScripts = GRADQUAKE_SOURCE_DIR "/tests/model/exported/";

// The folder of networks that this project did not write; empty where there is none.
std::string models_folder() {
  const char* data = std::getenv("GRADQUAKE_DATA");
  for (const std::string& folder :
       {std::string(GRADQUAKE_SOURCE_DIR "/../shared/models"), data ? data + std::string("/../models") : ""})
    if (!folder.empty() && std::filesystem::is_directory(folder)) return folder;
  return "";
}

NamedTensors tensors_of(const std::string& path) { return data::parse_safetensors(data::read_file(path), path); }

// Those of `tensors` whose names begin so, by the rest of their names.
NamedTensors beginning(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors found;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor;
  return found;
}

std::optional<std::string> trained_output(const std::string& name) {
  if (name == "shared") return "logits";
  if (name == "pair") return "loss";
  return std::nullopt;
}

data::Batch batch_of(const NamedTensors& inputs) {
  return data::Batch(data::Batch::Tensors(inputs.begin(), inputs.end()));
}

NamedTensors state_of(const ExportedModel& model) {
  NamedTensors state;
  for (const auto& one : model.named_parameters()) state[one.key()] = one.value().detach();
  for (const auto& one : model.named_buffers()) state[one.key()] = one.value();
  return state;
}

// Every tensor of `expected` is here, to the bit.
void expect_equal(const NamedTensors& got, const NamedTensors& expected, const std::string& what) {
  EXPECT_FALSE(expected.empty()) << what;
  for (const auto& [name, tensor] : expected) {
    const auto found = got.find(name);
    ASSERT_NE(found, got.end()) << what << ": no " << name;
    EXPECT_TRUE(found->second.scalar_type() == tensor.scalar_type() && at::equal(found->second, tensor))
        << what << ": " << name;
  }
}

bool python_compares() { return python_has("torch") && python_has("safetensors.torch"); }

class ExportedPythonTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!python_compares()) GTEST_SKIP() << "no Python with torch and safetensors";
  }

  // The network's file: committed, made by networks.py, or one of models_folder(); empty where that has none.
  std::string network() const {
    const std::string name = GetParam(), given = models_folder() + "/" + name + ".pt2";
    if (std::filesystem::exists(exported_file(name))) return exported_file(name);
    if (name.find('_') != std::string::npos) return std::filesystem::exists(given) ? given : "";
    run_python(kScripts + "networks.py make " + folder_.path("") + " " + name);
    return folder_.path(name + ".pt2");
  }

  TemporaryFolder folder_;
};

TEST_P(ExportedPythonTest, TrainsToTheBitAsInPython) {
  const std::string path = network(), reference_path = folder_.path("reference.safetensors");
  if (path.empty()) GTEST_SKIP() << "no folder of models";
  run_python(kScripts + "reference.py " + path + " " + reference_path);
  const NamedTensors reference = tensors_of(reference_path);
  const OneThread one_thread;
  const auto model = load_exported(path, trained_output(GetParam()));
  const data::Batch batch = batch_of(beginning(reference, "input."));
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const std::string which = std::to_string(step);
    at::manual_seed(static_cast<std::uint64_t>(step));
    const at::Tensor output = model->forward_batch(batch);
    const bool is_loss = reference.count("target") == 0;
    const at::Tensor loss =
        is_loss ? output : at::cross_entropy_loss(output.flatten(0, -2), reference.at("target").flatten());
    EXPECT_TRUE(at::equal(loss.detach(), reference.at("loss" + which))) << which;
    model->zero_grad();
    loss.backward();
    NamedTensors gradients;
    std::set<const at::TensorImpl*> reached, expected;
    const auto parameters = model->named_parameters();
    for (const auto& one : parameters) {
      if (!one.value().grad().defined()) continue;
      gradients[one.key()] = one.value().grad();
      reached.insert(one.value().unsafeGetTensorImpl());
    }
    const NamedTensors wanted = beginning(reference, "grad" + which + ".");
    for (const auto& [name, gradient] : wanted) expected.insert(parameters[name].unsafeGetTensorImpl());
    EXPECT_EQ(reached, expected) << which;
    expect_equal(gradients, wanted, "gradient of step " + which);
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : trained_parameters(*model).tensors)
      if (parameter.grad().defined()) at::Tensor(parameter).add_(parameter.grad(), -kLearningRate);
  }
  const NamedTensors state = beginning(reference, "state.");
  expect_equal(state_of(*model), state, "state");
  const at::NoGradGuard no_grad;
  model->eval();
  at::manual_seed(kSteps);
  EXPECT_TRUE(at::equal(model->forward_batch(batch), reference.at("eval")));
  expect_equal(state_of(*model), state, "state after evaluation");
}

INSTANTIATE_TEST_SUITE_P(Networks, ExportedPythonTest,
                         testing::Values("mlp", "images", "shared", "encoder", "pair", "squeezenet1_1",
                                         "mobilenet_v3_small", "vit_small", "bert_tiny"),
                         [](const auto& one) { return std::string(one.param); });

TEST(ExportedPythonArchiveTest, PythonLoadsWhatARunKeeps) {
  if (!python_compares()) GTEST_SKIP() << "no Python with torch and safetensors";
  const TemporaryFolder folder;
  folder.write("compare.py",
               "import sys, torch\n"
               "from safetensors.torch import load_file\n"
               "for arguments in zip(*[iter(sys.argv[1:])] * 3):\n"
               "    first, program = (torch.export.load(path) for path in arguments[:2])\n"
               "    weights, constants = load_file(arguments[2]), program.constants\n"
               "    assert weights.keys() == program.state_dict.keys() == first.state_dict.keys()\n"
               "    assert all(torch.equal(weights[name], program.state_dict[name]) for name in weights)\n"
               "    assert not any(torch.equal(weights[name], first.state_dict[name]) for name in weights)\n"
               "    assert all(torch.equal(constants[name], first.constants[name]) for name in first.constants)\n"
               "    print(len(weights), len(first.constants), 'are equal')\n");
  std::string arguments = folder.path("compare.py");
  for (const std::string name : {"mlp", "images", "shared"}) {
    const auto model = load_exported(exported_file(name), trained_output(name));
    for (const auto& [held, tensor] : state_of(*model))
      if (model->in_state_dict(held)) at::Tensor(tensor).add_(7);
    const std::string own = folder.path(name);
    std::filesystem::create_directories(own);
    model->save_beside_weights(own);
    save_weights(own + "/weights.safetensors", *model);
    arguments += " " + exported_file(name) + " " + own + "/model.pt2 " + own + "/weights.safetensors";
  }
  EXPECT_EQ(run_python(arguments), "4 0 are equal\n20 0 are equal\n16 1 are equal\n");
}

}  // namespace
}  // namespace gradquake::model::exported
