#include "gradquake/model/weights.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gradquake/core/error.h"
#include "gradquake/model/model.h"
#include "gradquake/model/registry.h"
#include "make_model.h"
#include "python.h"

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
  save_weights(path("weights.safetensors"), *saved);
  ASSERT_FALSE(equal_tensors(*saved, *other));
  load_weights(path("weights.safetensors"), *other);
  EXPECT_TRUE(equal_tensors(*saved, *other));
  EXPECT_EQ(other->named_buffers()["blocks.0.norm.num_batches_tracked"].item<std::int64_t>(), 1);
}

TEST_F(WeightsTest, EqualWeightsGiveEqualBytesWhateverTheFileIsCalled) {
  const auto cnn = make_cnn(1);
  save_weights(path("weights.safetensors"), *cnn);
  make_cnn(9);
  save_weights(path("another_name.bin"), *cnn);
  save_weights(path("rebuilt.safetensors"), *make_cnn(1));
  const std::string bytes = read_file(path("weights.safetensors"));
  EXPECT_EQ(bytes, read_file(path("another_name.bin")));
  EXPECT_EQ(bytes, read_file(path("rebuilt.safetensors")));
  save_weights(path("other.safetensors"), *make_cnn(2));
  EXPECT_NE(bytes, read_file(path("other.safetensors")));
}

TEST_F(WeightsTest, AStorageSharedOrLargerThanTheTensorDoesNotShow) {
  const auto plain = make_mlp(1), viewed = make_mlp(1);
  for (auto& parameter : viewed->parameters()) {
    at::Tensor large = at::zeros({2 * parameter.numel()});
    large.narrow(0, 0, parameter.numel()).copy_(parameter.detach().flatten());
    parameter.set_data(large.narrow(0, 0, parameter.numel()).view(parameter.sizes()));
  }
  save_weights(path("plain.safetensors"), *plain);
  save_weights(path("viewed.safetensors"), *viewed);
  EXPECT_EQ(read_file(path("plain.safetensors")), read_file(path("viewed.safetensors")));
}

TEST_F(WeightsTest, ALoadedModelSavesTheSameBytes) {
  save_weights(path("first.safetensors"), *make_cnn(1));
  const auto other = make_cnn(2);
  load_weights(path("first.safetensors"), *other);
  save_weights(path("second.safetensors"), *other);
  EXPECT_EQ(read_file(path("first.safetensors")), read_file(path("second.safetensors")));
}

TEST_F(WeightsTest, SavingReplacesTheFileAndLeavesNothingAside) {
  save_weights(path("weights.safetensors"), *make_mlp(1));
  save_weights(path("weights.safetensors"), *make_mlp(2));
  EXPECT_EQ(file_count(), 1u);
  const auto model = make_mlp(3);
  load_weights(path("weights.safetensors"), *model);
  EXPECT_TRUE(equal_tensors(*model, *make_mlp(2)));
}

TEST_F(WeightsTest, AFolderThatIsMissingIsNamed) {
  EXPECT_THROW(save_weights(path("none/weights.safetensors"), *make_mlp(1)), DiskError);
}

TEST_F(WeightsTest, ADoubleModelTakesFloatWeights) {
  save_weights(path("weights.safetensors"), *make_mlp(1));
  const auto model = make_mlp(2);
  model->to(at::kDouble);
  load_weights(path("weights.safetensors"), *model);
  EXPECT_EQ(model->parameters()[0].scalar_type(), at::kDouble);
  EXPECT_TRUE(at::equal(model->parameters()[0], make_mlp(1)->parameters()[0].to(at::kDouble)));
}

TEST_F(WeightsTest, WeightsOfAnotherModelAreRefusedAndChangeNothing) {
  save_weights(path("cnn.safetensors"), *make_cnn(1));
  save_weights(path("mlp.safetensors"), *make_mlp(1));
  const auto wide = make_cnn(2, 5), mlp = make_mlp(2);
  EXPECT_NE(load_error(path("cnn.safetensors"), *wide).find("of shape [5, 1, 3, 3], got [3, 1, 3, 3]"),
            std::string::npos);
  EXPECT_NE(load_error(path("cnn.safetensors"), *mlp).find("expected a tensor 'layers.0.bias', got none"),
            std::string::npos);
  EXPECT_TRUE(equal_tensors(*mlp, *make_mlp(2)));
  EXPECT_TRUE(equal_tensors(*wide, *make_cnn(2, 5)));
  ModelConfig deeper;
  deeper.spec.set("widths", std::vector<std::int64_t>{36, 4, 10, 10});
  const auto deep = make_model(deeper, {{36}, 10}, 1);
  save_weights(path("deep.safetensors"), *deep);
  EXPECT_NE(load_error(path("deep.safetensors"), *mlp).find("expected no tensor 'layers.2.bias', got one"),
            std::string::npos);
}

// A file with this header, padded or not, and data.
std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (std::size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((header.size() >> (8 * i)) & 0xFF));
  return bytes + header + data;
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\": {\"dtype\": \"" + type + "\", \"shape\": " + shape + ", \"data_offsets\": " + offsets + "}";
}

TEST_F(WeightsTest, DamagedAndMissingFilesAreNamedInOneLine) {
  const auto mlp = make_mlp(1);
  save_weights(path("whole.safetensors"), *mlp);
  const std::string bytes = read_file(path("whole.safetensors"));
  const std::string eight(8, '\0'), long_length = std::string(7, '\xFF') + "\x7F";
  const std::string nested(100000, '[');
  const std::pair<std::string, std::string> damages[] = {
      {"", "it has 0 bytes"},
      {"short", "it has 5 bytes"},
      {"not safetensors at all", "expected a header of at most"},
      {bytes.substr(0, 40), "expected a header of at most"},
      {bytes.substr(0, bytes.size() - 1), "lies beyond the end of the file"},
      {bytes + "x", "belong to no tensor"},
      {long_length + bytes.substr(8), "expected a header of at most"},
      {file_of("[1, 2]", ""), "expected a JSON object"},
      {file_of("{\"a\": ", ""), "expected a JSON object"},
      {file_of(nested, ""), "expected a JSON object"},
      {file_of("{\"a\": 1}", ""), "expected dtype, shape and data_offsets for 'a'"},
      {file_of("{" + entry("a", "F33", "[2]", "[0, 8]") + "}", eight), "got 'F33'"},
      {file_of("{" + entry("a", "F32", "[-2]", "[0, 8]") + "}", eight), "whole numbers"},
      {file_of("{" + entry("a", "F32", "[2]", "[0]") + "}", eight), "two data_offsets"},
      {file_of("{" + entry("a", "F32", "[3]", "[0, 8]") + "}", eight), "expected 12 bytes of 'a', got 8"},
      {file_of("{" + entry("a", "F32", "[2]", "[8, 0]") + "}", eight), "beyond the end"},
      {file_of("{" + entry("a", "F32", "[18446744073709551615, 2]", "[0, 8]") + "}", eight), "out of range"},
      {file_of("{" + entry("a", "F32", "[0, 1099511627776, 1099511627776]", "[0, 0]") + "}", ""), "out of range"},
      {file_of("{" + entry("a", "F32", "[1]", "[0, 4]") + ", " + entry("b", "F32", "[1]", "[0, 4]") + "}", eight),
       "overlaps another tensor"},
      {file_of("{" + entry("a", "F32", "[1]", "[4, 8]") + "}", eight), "gap before 'a'"}};
  for (const auto& [content, reason] : damages) {
    std::ofstream(path("damaged.safetensors"), std::ios::binary) << content;
    const std::string error = load_error(path("damaged.safetensors"), *mlp);
    EXPECT_NE(error.find("damaged.safetensors: not a whole safetensors file: "), std::string::npos) << error;
    EXPECT_NE(error.find(reason), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  EXPECT_TRUE(equal_tensors(*mlp, *make_mlp(1)));
  EXPECT_NE(load_error(path("none.safetensors"), *mlp).find("expected a weights file at"), std::string::npos);
  EXPECT_NE(load_error(path(""), *mlp).find("expected a weights file at"), std::string::npos);
}

TEST_F(WeightsTest, EveryTensorIsAlignedAndTypesOfEveryKindComeBack) {
  struct Mixed : torch::nn::Module {
    Mixed() {
      register_parameter("f", at::tensor({0.1f, 0.2f, 0.3f}));
      for (const at::ScalarType type :
           {at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
        register_buffer(at::toString(type), at::arange(3).to(type));
      }
      register_buffer("empty", at::empty({0, 4}));
      register_buffer("number", at::tensor(7, at::kLong));
    }
  };
  Mixed saved, other;
  for (const auto& buffer : other.named_buffers()) at::Tensor(buffer.value()).zero_();
  save_weights(path("weights.safetensors"), saved);
  load_weights(path("weights.safetensors"), other);
  for (const auto& buffer : saved.named_buffers()) {
    EXPECT_TRUE(at::equal(buffer.value(), other.named_buffers()[buffer.key()])) << buffer.key();
  }
  const std::string bytes = read_file(path("weights.safetensors"));
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]) % 8, 0);
}

// As earlier versions wrote them.
torch::jit::Module script_of(const torch::nn::Module& module,
                             const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module script(c10::QualifiedName("__torch__.Weights"), unit, /*shouldMangle=*/true);
  for (const auto& parameter : module.named_parameters(/*recurse=*/false))
    script.register_parameter(parameter.key(), parameter.value().detach().clone(), /*is_buffer=*/false);
  for (const auto& buffer : module.named_buffers(/*recurse=*/false))
    script.register_parameter(buffer.key(), buffer.value().clone(), /*is_buffer=*/true);
  for (const auto& child : module.named_children())
    script.register_module(child.key(), script_of(*child.value(), unit));
  return script;
}

TEST_F(WeightsTest, ArchivesOfEarlierVersionsAreRead) {
  const auto saved = make_cnn(1), other = make_cnn(2);
  script_of(*saved, std::make_shared<torch::jit::CompilationUnit>()).save(path("weights.pt"));
  load_weights(path("weights.pt"), *other);
  EXPECT_TRUE(equal_tensors(*saved, *other));
  const std::string bytes = read_file(path("weights.pt"));
  std::ofstream(path("cut.pt"), std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  const std::string error = load_error(path("cut.pt"), *other);
  EXPECT_NE(error.find("cut.pt: expected weights that torch.jit.load reads"), std::string::npos) << error;
}

TEST_F(WeightsTest, AModelStartsFromTheWeightsOfItsConfig) {
  save_weights(path("weights.safetensors"), *make_mlp(1));
  ModelConfig config;
  config.spec.set("widths", std::vector<std::int64_t>{36, 4, 10});
  config.weights = path("weights.safetensors");
  EXPECT_TRUE(equal_tensors(*make_model(config, {{36}, 10}, 2), *make_mlp(1)));
}

TEST_F(WeightsTest, PythonReadsTheNamedTensorsAndWritesWhatIsReadBack) {
  const auto cnn = make_cnn(1), other = make_cnn(2);
  save_weights(path("weights.safetensors"), *cnn);
  std::ofstream(path("read.py"))
      << "import sys\n"
         "from safetensors.torch import load_file, save_file\n"
         "state = load_file(sys.argv[1])\n"
         "for name in sorted(state):\n"
         "    print(name, list(state[name].shape), float(state[name].double().sum()).hex())\n"
         "save_file(state, sys.argv[1] + '.again')\n";
  if (!python_has("safetensors.torch")) GTEST_SKIP() << "no Python with torch and safetensors";
  const std::string printed = run_python(path("read.py") + " " + path("weights.safetensors"));
  for (const std::string name :
       {"blocks.0.conv.weight [3, 1, 3, 3]", "blocks.0.norm.running_var [3] 0x1.8000000000000p+1",
        "blocks.0.norm.num_batches_tracked [] 0x0.0p+0", "blocks.1.conv.bias [4]", "head.weight [10, 36]"})
    EXPECT_NE(printed.find(name), std::string::npos) << name << " is not in:\n" << printed;
  const std::string head = "head.weight [10, 36] ";
  EXPECT_EQ(std::strtod(printed.c_str() + printed.find(head) + head.size(), nullptr),
            cnn->named_parameters()["head.weight"].to(at::kDouble).sum().item<double>());
  load_weights(path("weights.safetensors.again"), *other);
  EXPECT_TRUE(equal_tensors(*cnn, *other));
}

}  // namespace
}  // namespace gradquake::model
