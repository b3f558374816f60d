// What an exported network refuses, a line each: files, graphs, wirings and inputs that do not fit.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include "exported_files.h"
#include "files.h"

namespace gradquake::model::exported {
namespace {

using data::TemporaryFolder;
using data::user_error;
using Names = std::vector<std::string>;

// What goes wrong with an archive of these bytes when it is loaded and, if it loads, run.
std::string error_with(const TemporaryFolder& folder, const std::string& bytes, std::optional<std::string> output = {},
                       const std::vector<std::int64_t>& input = {5, 6}) {
  const std::string path = folder.write("net.pt2", bytes);
  return user_error([&] { load_exported(path, output)->forward(at::ones(input)); });
}

void expect_one_line(const std::string& error, const Names& parts) {
  EXPECT_TRUE(error.starts_with("[model] ")) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  for (const std::string& part : parts)
    EXPECT_NE(error.find(part), std::string::npos) << part << " is not in: " << error;
}

TEST(ExportedRefusalTest, AnInputThatDoesNotFitIsRefused) {
  const auto refusal = [](const at::Tensor& input) {
    return user_error([&] { load_exported(exported_file("mlp"))->forward(input); });
  };
  expect_one_line(refusal(at::ones({5, 7})), {"input 'x'", "of size 6 in dimension 1", "[5, 7]"});
  expect_one_line(refusal(at::ones({5, 2, 3})), {"input 'x'", "of 2 dimensions", "[5, 2, 3]"});
  expect_one_line(refusal(at::ones({5, 6}, at::kDouble)), {"input 'x'", "of type Float", "Double [5, 6]"});
  expect_one_line(refusal(at::ones({5, 6}, at::kLong)), {"of type Float", "Long [5, 6]"});
  expect_one_line(refusal(at::ones({513, 6})), {"of size 1 to 512 in dimension 0", "[513, 6]"});
  EXPECT_EQ(refusal(at::ones({1, 6})), "no error");
  EXPECT_EQ(refusal(at::ones({512, 6})), "no error");
}

TEST(ExportedRefusalTest, ABatchOfAFixedSizeSaysHowToExportAnother) {
  const TemporaryFolder folder;
  const std::string fixed = edited(exported_file("mlp"), kProgram, [](nlohmann::json& program) {
    program["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0] = {{"as_int", 4}};
  });
  expect_one_line(error_with(folder, fixed, {}, {4, 6}), {"any size, got 4 rows alone in input 'x'", "dynamic_shapes"});
}

TEST(ExportedRefusalTest, WiringThatDoesNotFitIsRefused) {
  const auto refusal = [](const std::string& name, const Wiring& wiring) {
    return user_error([&] { ExportedModel(exported_file(name), DropoutMasks::kTorch, wiring); });
  };
  expect_one_line(refusal("shared", {}), {"shared.pt2: ", "model.output", "(logits, extra), got none"});
  expect_one_line(refusal("shared", {{}, "hidden"}), {"model.output one of logits, extra, got 'hidden'"});
  expect_one_line(refusal("mlp", {{"x", "mask"}, {}}), {"model.inputs", "1 tensors", "got 2"});
}

TEST(ExportedRefusalTest, AFileThatIsNoneIsNamed) {
  const TemporaryFolder folder;
  const auto refusal = [](const std::string& path) { return user_error([&] { load_exported(path); }); };
  expect_one_line(refusal(folder.path("none.pt2")), {folder.path("none.pt2"), "got no file"});
  expect_one_line(refusal(folder.path("")), {"got no file"});
  expect_one_line(refusal(folder.write("empty.pt2", "")), {"empty.pt2", "cannot be read"});
  expect_one_line(refusal(folder.write("text.pt2", std::string(5000, 'x'))), {"text.pt2", "cannot be read"});
}

TEST(ExportedRefusalTest, ATorchScriptArchiveIsOfAnotherKind) {
  const TemporaryFolder folder;
  torch::jit::Module script("Net");
  script.register_parameter("w", at::ones({2}), /*is_buffer=*/false);
  script.save(folder.path("net.pt"));
  expect_one_line(user_error([&] { load_exported(folder.path("net.pt")); }),
                  {"net.pt: ", "TorchScript archive", "model.kind torchscript"});
}

TEST(ExportedRefusalTest, WhatCannotBeCarriedOutIsNamed) {
  using Json = nlohmann::json;
  const TemporaryFolder folder;
  const auto with_program = [&](const std::function<void(Json&)>& edit) {
    return error_with(folder, edited(exported_file("mlp"), kProgram, edit));
  };
  const auto with_target = [&](const std::string& target) {
    return with_program([&](Json& program) { program["graph_module"]["graph"]["nodes"][0]["target"] = target; });
  };
  const auto with_weights = [&](const std::function<void(Json&)>& edit) {
    return error_with(folder, edited(exported_file("mlp"), kWeightsList, edit));
  };
  EXPECT_EQ(with_program([](Json&) {}), "no error");
  const std::pair<std::string, Names> refusals[] = {
      {with_program([](Json& program) { program["schema_version"]["major"] = 9; }), {"export schema 8, got 9."}},
      {with_program([](Json& program) { program["verifiers"] = {"ATEN"}; }), {"run_decompositions"}},
      {with_target("torch.ops.aten.linearr.default"),
       {"node linear of module fc1", "no operator aten::linearr (default)", "older than the file"}},
      {with_target("torch.ops.own.linear.default"), {"own::linear", "the library that brings it is not loaded"}},
      {with_target("torch.ops.higher_order.cond"), {"cond", "control flow"}},
      {with_target("math.gamma"), {"Python's math.gamma is not known"}},
      {with_program([](Json& program) {
         program["graph_module"]["graph"]["nodes"][1]["inputs"][0]["arg"] = {{"as_tensor", {{"name", "later"}}}};
       }),
       {"node relu of module relu", "'later' is read before any node makes it"}},
      {with_program([](Json& program) {
         program["graph_module"]["graph"]["nodes"][0]["inputs"][0]["arg"] = {{"as_graph", {{"name", "inner"}}}};
       }),
       {"node linear", "graph of its own"}},
      {with_program([](Json& program) {
         program["graph_module"]["graph"]["nodes"][0]["inputs"][0]["arg"] = {{"as_custom_obj", {{"name", "c"}}}};
       }),
       {"as_custom_obj", "not known"}},
      {with_weights([](Json& list) { list["config"]["fc1.bias"]["use_pickle"] = true; }),
       {"tensor 'fc1.bias' is pickled"}},
      {with_weights([](Json& list) { list["config"]["fc1.bias"]["tensor_meta"]["sizes"][0]["as_int"] = 9; }),
       {"tensor 'fc1.bias' does not lie within the 8 elements"}},
      {with_weights([](Json& list) { list["config"]["fc1.bias"]["tensor_meta"]["storage_offset"]["as_int"] = -1; }),
       {"tensor 'fc1.bias' does not lie within"}},
      {with_weights([](Json& list) { list["config"]["fc1.bias"]["tensor_meta"]["dtype"] = 99; }), {"element type 99"}},
      {with_weights([](Json& list) { list["config"].erase("fc1.bias"); }), {"no values for 'fc1.bias'"}},
      {with_weights([](Json& list) { list["config"]["fc1.bias"]["path_name"] = "weight_77"; }),
       {"no record 'data/weights/weight_77'"}}};
  for (const auto& [error, parts] : refusals) {
    expect_one_line(error, parts);
    expect_one_line(error, {folder.path("net.pt2")});
  }
}

}  // namespace
}  // namespace gradquake::model::exported
