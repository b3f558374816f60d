#include "gradquake/model/weights.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gradquake/core/error.h"
#include "gradquake/model/model.h"
#include "gradquake/model/registry.h"

namespace gradquake::model {
namespace {

class WeightsTest : public testing::Test {
 protected:
  WeightsTest() : folder_(testing::TempDir() + "/gradquake-weights-" + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~WeightsTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::size_t file_count() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
  }

 private:
  std::string folder_;
};

std::shared_ptr<Model> make_cnn(std::uint64_t seed, std::int64_t channels = 3) {
  ModelConfig config;
  config.spec = {"cnn",
                 {{"blocks", std::vector<KindSpec>{{"", {{"channels", channels}, {"batch_norm", true}, {"pool", true}}},
                                                   {"", {{"channels", 4}}}}}}};
  return make_model(config, {{1, 6, 6}, 10}, seed);
}

std::shared_ptr<Model> make_mlp(std::uint64_t seed) {
  ModelConfig config;
  config.spec.set("widths", std::vector<std::int64_t>{36, 4, 10});
  return make_model(config, {{36}, 10}, seed);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string load_error(const std::string& path, Model& model) {
  try {
    load_weights(path, model);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

bool equal_tensors(const Model& a, const Model& b) {
  bool equal = true;
  for (const auto& parameter : a.named_parameters())
    equal = equal && at::equal(parameter.value(), b.named_parameters()[parameter.key()]);
  for (const auto& buffer : a.named_buffers())
    equal = equal && at::equal(buffer.value(), b.named_buffers()[buffer.key()]);
  return equal;
}

TEST_F(WeightsTest, ParametersAndBuffersComeBackToTheBit) {
  const auto saved = make_cnn(1), other = make_cnn(2);
  saved->forward(at::linspace(0, 1, 72).reshape({2, 1, 6, 6}));
  save_weights(path("weights.pt"), *saved);
  ASSERT_FALSE(equal_tensors(*saved, *other));
  load_weights(path("weights.pt"), *other);
  EXPECT_TRUE(equal_tensors(*saved, *other));
  EXPECT_EQ(other->named_buffers()["blocks.0.norm.num_batches_tracked"].item<std::int64_t>(), 1);
}

TEST_F(WeightsTest, EqualWeightsGiveEqualBytesWhateverTheFileIsCalled) {
  const auto cnn = make_cnn(1);
  save_weights(path("weights.pt"), *cnn);
  make_cnn(9);
  save_weights(path("another_name.bin"), *cnn);
  save_weights(path("rebuilt.pt"), *make_cnn(1));
  const std::string bytes = read_file(path("weights.pt"));
  EXPECT_EQ(bytes, read_file(path("another_name.bin")));
  EXPECT_EQ(bytes, read_file(path("rebuilt.pt")));
  save_weights(path("other.pt"), *make_cnn(2));
  EXPECT_NE(bytes, read_file(path("other.pt")));
}

TEST_F(WeightsTest, AStorageSharedOrLargerThanTheTensorDoesNotShow) {
  const auto plain = make_mlp(1), viewed = make_mlp(1);
  for (auto& parameter : viewed->parameters()) {
    at::Tensor large = at::zeros({2 * parameter.numel()});
    large.narrow(0, 0, parameter.numel()).copy_(parameter.detach().flatten());
    parameter.set_data(large.narrow(0, 0, parameter.numel()).view(parameter.sizes()));
  }
  save_weights(path("plain.pt"), *plain);
  save_weights(path("viewed.pt"), *viewed);
  EXPECT_EQ(read_file(path("plain.pt")), read_file(path("viewed.pt")));
}

TEST_F(WeightsTest, ALoadedModelSavesTheSameBytes) {
  save_weights(path("first.pt"), *make_cnn(1));
  const auto other = make_cnn(2);
  load_weights(path("first.pt"), *other);
  save_weights(path("second.pt"), *other);
  EXPECT_EQ(read_file(path("first.pt")), read_file(path("second.pt")));
}

TEST_F(WeightsTest, SavingReplacesTheFileAndLeavesNothingAside) {
  save_weights(path("weights.pt"), *make_mlp(1));
  save_weights(path("weights.pt"), *make_mlp(2));
  EXPECT_EQ(file_count(), 1u);
  const auto model = make_mlp(3);
  load_weights(path("weights.pt"), *model);
  EXPECT_TRUE(equal_tensors(*model, *make_mlp(2)));
}

TEST_F(WeightsTest, AFolderThatIsMissingIsAUserError) {
  EXPECT_THROW(save_weights(path("none/weights.pt"), *make_mlp(1)), UserError);
}

TEST_F(WeightsTest, ADoubleModelTakesFloatWeights) {
  save_weights(path("weights.pt"), *make_mlp(1));
  const auto model = make_mlp(2);
  model->to(at::kDouble);
  load_weights(path("weights.pt"), *model);
  EXPECT_EQ(model->parameters()[0].scalar_type(), at::kDouble);
  EXPECT_TRUE(at::equal(model->parameters()[0], make_mlp(1)->parameters()[0].to(at::kDouble)));
}

TEST_F(WeightsTest, WeightsOfAnotherModelAreRefusedAndChangeNothing) {
  save_weights(path("cnn.pt"), *make_cnn(1));
  save_weights(path("mlp.pt"), *make_mlp(1));
  const auto wide = make_cnn(2, 5), mlp = make_mlp(2);
  EXPECT_NE(load_error(path("cnn.pt"), *wide).find("of shape [5, 1, 3, 3], got [3, 1, 3, 3]"), std::string::npos);
  EXPECT_NE(load_error(path("cnn.pt"), *mlp).find("expected a tensor 'layers.0.bias', got none"), std::string::npos);
  EXPECT_TRUE(equal_tensors(*mlp, *make_mlp(2)));
  EXPECT_TRUE(equal_tensors(*wide, *make_cnn(2, 5)));
  ModelConfig deeper;
  deeper.spec.set("widths", std::vector<std::int64_t>{36, 4, 10, 10});
  const auto deep = make_model(deeper, {{36}, 10}, 1);
  save_weights(path("deep.pt"), *deep);
  EXPECT_NE(load_error(path("deep.pt"), *mlp).find("expected no tensor 'layers.2.bias', got one"), std::string::npos);
}

TEST_F(WeightsTest, DamagedAndMissingFilesAreNamed) {
  const auto mlp = make_mlp(1);
  save_weights(path("weights.pt"), *mlp);
  const std::string bytes = read_file(path("weights.pt"));
  std::ofstream(path("cut.pt"), std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  std::ofstream(path("text.pt"), std::ios::binary) << "not an archive";
  std::ofstream(path("empty.pt"), std::ios::binary) << "";
  for (const char* name : {"cut.pt", "text.pt", "empty.pt"})
    EXPECT_NE(load_error(path(name), *mlp).find(std::string(name) + ": expected weights that torch.jit.load reads"),
              std::string::npos)
        << name;
  EXPECT_NE(load_error(path("none.pt"), *mlp).find("expected a weights file at"), std::string::npos);
  EXPECT_NE(load_error(path(""), *mlp).find("expected a weights file at"), std::string::npos);
}

TEST_F(WeightsTest, AModelStartsFromTheWeightsOfItsConfig) {
  save_weights(path("weights.pt"), *make_mlp(1));
  ModelConfig config;
  config.spec.set("widths", std::vector<std::int64_t>{36, 4, 10});
  config.weights = path("weights.pt");
  EXPECT_TRUE(equal_tensors(*make_model(config, {{36}, 10}, 2), *make_mlp(1)));
}

std::string python() {
  if (const char* given = std::getenv("GRADQUAKE_PYTHON")) return given;
  return GRADQUAKE_SOURCE_DIR "/.venv/bin/python";
}

TEST_F(WeightsTest, PythonReadsTheNamedTensors) {
  if (!std::filesystem::exists(python())) GTEST_SKIP() << "no Python with torch";
  const auto cnn = make_cnn(1);
  save_weights(path("weights.pt"), *cnn);
  std::ofstream(path("read.py"))
      << "import sys, torch\n"
         "state = torch.jit.load(sys.argv[1]).state_dict()\n"
         "for name in sorted(state):\n"
         "    print(name, list(state[name].shape), float(state[name].double().sum()).hex())\n";
  std::string printed;
  FILE* pipe = popen((python() + " " + path("read.py") + " " + path("weights.pt") + " 2>&1").c_str(), "r");
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) printed += line.data();
  EXPECT_EQ(pclose(pipe), 0) << printed;
  for (const std::string name :
       {"blocks.0.conv.weight [3, 1, 3, 3]", "blocks.0.norm.running_var [3] 0x1.8000000000000p+1",
        "blocks.0.norm.num_batches_tracked [] 0x0.0p+0", "blocks.1.conv.bias [4]", "head.weight [10, 36]"})
    EXPECT_NE(printed.find(name), std::string::npos) << name << " is not in:\n" << printed;
  const std::string head = "head.weight [10, 36] ";
  EXPECT_EQ(std::strtod(printed.c_str() + printed.find(head) + head.size(), nullptr),
            cnn->named_parameters()["head.weight"].to(at::kDouble).sum().item<double>());
}

}  // namespace
}  // namespace gradquake::model
