// Kinds npy and safetensors: files of named tensors as data sets.
#include "gradquake/data/kinds/named_tensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "files.h"
#include "gradquake/data/registry.h"

namespace gradquake::data {
namespace {

const at::Tensor kInput = at::arange(12, at::kFloat).view({4, 3});
const at::Tensor kClasses = at::tensor({2, 0, 1, 2}, at::kLong);

DataSplits load_files(const TemporaryFolder& folder, const NamedTensors& train, const NamedTensors& test = {},
                      const std::map<std::string, double>& numbers = {}, at::ScalarType dtype = at::kFloat) {
  DataConfig config;
  config.spec = {"safetensors", {{"path", folder.write("train.safetensors", safetensors_bytes(train))}}};
  if (!test.empty()) config.spec.set("test", folder.write("test.safetensors", safetensors_bytes(test)));
  if (numbers.count("classes")) config.spec.set("classes", static_cast<std::int64_t>(numbers.at("classes")));
  if (numbers.count("byte_divisor")) config.spec.set("byte_divisor", numbers.at("byte_divisor"));
  return load_data(config, 1, dtype);
}

DataSplits load_tensors(const NamedTensors& train, const NamedTensors& test = {},
                        const std::map<std::string, double>& numbers = {}, at::ScalarType dtype = at::kFloat) {
  const TemporaryFolder folder;
  return load_files(folder, train, test, numbers, dtype);
}

std::string refusal_of(const NamedTensors& train, const NamedTensors& test = {},
                       const std::map<std::string, double>& numbers = {}) {
  const std::string error = user_error([&] { load_tensors(train, test, numbers); });
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

Batch all_of(const Dataset& set) { return set.range(0, set.size()); }

TEST(NamedTensorsTest, IntegersFromZeroOnAreClasses) {
  const DataSplits splits = load_tensors({{"input", kInput}, {"target", kClasses.to(at::kInt)}});
  const Batch batch = all_of(*splits.train);
  EXPECT_EQ(splits.train->shape().targets(), TargetKind::kClasses);
  EXPECT_EQ(splits.train->shape().classes, 3);
  EXPECT_EQ(splits.train->shape().sample, (std::vector<std::int64_t>{3}));
  EXPECT_TRUE(at::equal(batch.input(), kInput));
  EXPECT_TRUE(at::equal(batch.target(), kClasses) && batch.target().scalar_type() == at::kLong);
  EXPECT_EQ(splits.test, splits.train);
}

TEST(NamedTensorsTest, BytesAreClassesInTheTargetAndNumbersElsewhere) {
  const at::Tensor bytes = at::tensor({0, 51, 255, 102}, at::kInt).to(at::kByte).view({4, 1});
  const DataSplits splits =
      load_tensors({{"input", bytes}, {"target", kClasses.to(at::kByte)}}, {}, {{"byte_divisor", 255}}, at::kDouble);
  EXPECT_TRUE(at::equal(all_of(*splits.train).input(), at::tensor({0.0, 0.2, 1.0, 0.4}, at::kDouble).view({4, 1})));
  EXPECT_EQ(splits.train->shape().classes, 3);
  EXPECT_TRUE(
      at::equal(all_of(*load_tensors({{"input", bytes}, {"target", kClasses}}).train).input(), bytes.to(at::kFloat)));
}

TEST(NamedTensorsTest, MinusAndPlusOneAreLabels) {
  const at::Tensor labels = at::tensor({-1, 1, 1, -1}, at::kLong);
  const DataSplits splits = load_tensors({{"input", kInput}, {"target", labels}});
  EXPECT_EQ(splits.train->shape().targets(), TargetKind::kSigns);
  EXPECT_TRUE(at::equal(all_of(*splits.train).target(), labels.to(at::kFloat)));
  EXPECT_EQ(all_of(*splits.train).target().scalar_type(), at::kFloat);
  EXPECT_NE(refusal_of({{"input", kInput}, {"target", labels * 2}}).find("labels -1 and +1, got one of -2"),
            std::string::npos);
  EXPECT_NE(refusal_of({{"input", kInput}, {"target", kClasses - 1}}).find("got one of -1"), std::string::npos);
}

TEST(NamedTensorsTest, FloatingPointIsNumbersOfAnyShape) {
  const at::Tensor numbers = at::linspace(-1, 1, 8, at::kDouble).view({4, 2});
  const DataSplits splits = load_tensors({{"input", kInput}, {"target", numbers}});
  EXPECT_EQ(splits.train->shape().targets(), TargetKind::kReal);
  EXPECT_EQ(splits.train->shape().target, (std::vector<std::int64_t>{2}));
  EXPECT_TRUE(at::equal(all_of(*splits.train).target(), numbers.to(at::kFloat)));
  EXPECT_EQ(load_tensors({{"input", kInput}, {"target", numbers.select(1, 0).contiguous()}}).train->shape().target,
            (std::vector<std::int64_t>{}));
}

TEST(NamedTensorsTest, ATargetOfEveryTokenIsOneOfTheSample) {
  const at::Tensor tokens = at::arange(12).view({4, 3});
  const DataSplits splits = load_tensors({{"input", tokens}, {"target", tokens + 1}});
  EXPECT_EQ(splits.train->shape().classes, 13);
  const Batch batch = splits.train->get({2});
  EXPECT_TRUE(at::equal(batch.input(), at::tensor({6, 7, 8}, at::kLong).view({1, 3})));
  EXPECT_TRUE(at::equal(batch.target(), at::tensor({7, 8, 9}, at::kLong).view({1, 3})));
}

TEST(NamedTensorsTest, OtherTensorsGoBesideTheInput) {
  const at::Tensor tokens = at::arange(8).view({4, 2}), mask = at::rand({4, 5}, at::kDouble);
  const DataSplits splits = load_tensors({{"mask", mask}, {"tokens", tokens}, {"target", kClasses}});
  const Batch batch = splits.train->get({1, 3});
  EXPECT_TRUE(at::equal(batch["tokens"], tokens.index_select(0, at::tensor({1, 3}, at::kLong))));
  EXPECT_TRUE(at::equal(batch["mask"], mask.index_select(0, at::tensor({1, 3}, at::kLong)).to(at::kFloat)));
  const DataSplits named = load_tensors({{"a", mask}, {"input", tokens}, {"target", kClasses}});
  EXPECT_EQ(named.train->shape().sample, (std::vector<std::int64_t>{2}));
}

TEST(NamedTensorsTest, ClassesAreThoseOfBothSetsOrThoseSaid) {
  const NamedTensors train{{"input", kInput}, {"target", kClasses}}, test{{"input", kInput}, {"target", kClasses + 3}};
  const DataSplits splits = load_tensors(train, test);
  EXPECT_EQ(splits.train->shape().classes, 6);
  EXPECT_EQ(splits.test->shape().classes, 6);
  EXPECT_TRUE(at::equal(all_of(*splits.test).target(), kClasses + 3));
  EXPECT_EQ(load_tensors(train, test, {{"classes", 10}}).train->shape().classes, 10);
  EXPECT_NE(refusal_of(train, test, {{"classes", 5}}).find("expected targets below data.classes 5, got 5"),
            std::string::npos);
}

TEST(NamedTensorsTest, SetsThatDoNotFitAreRefused) {
  const std::pair<std::string, std::string> refusals[] = {
      {refusal_of({{"input", kInput}}), "expected a tensor 'target', got none"},
      {refusal_of({{"target", kClasses}}), "expected a tensor 'input' beside 'target', got none"},
      {refusal_of({{"input", kInput}, {"target", at::tensor(1, at::kLong).squeeze()}}), "got a single number"},
      {refusal_of({{"input", kInput}, {"target", at::empty({0}, at::kLong)}}), "at least one target, got none"},
      {refusal_of({{"input", kInput}, {"target", kClasses}}, {{"input", kInput}, {"target", kInput}}),
       "targets of one kind, got two"},
      {refusal_of({{"input", kInput}, {"target", kClasses.narrow(0, 0, 3)}}), "rows"}};
  for (const auto& [error, reason] : refusals)
    EXPECT_NE(error.find(reason), std::string::npos) << reason << " is not in: " << error;
}

TEST(NamedTensorsTest, FilesThatAreNoneAreNamed) {
  const TemporaryFolder folder;
  DataConfig config;
  config.spec = {"safetensors", {{"path", folder.path("none.safetensors")}}};
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("none.safetensors"), std::string::npos);
  config.spec = {"safetensors", {{"path", folder.write("text.safetensors", "not safetensors at all")}}};
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("text.safetensors: not a whole safetensors"),
            std::string::npos);
  config.spec = {"npy", {{"path", folder.path("none")}}};
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("expected a folder of train_input.npy"),
            std::string::npos);
  config.spec = {"npy", {{"path", folder.path("")}}};
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("train_target.npy, got neither"),
            std::string::npos);
}

std::string npy_of(const std::string& descr, const std::string& shape, const std::string& content) {
  const std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + '\0' + header + content;
}

TEST(NamedTensorsTest, NumpyFilesAreTensorsByTheirNames) {
  const TemporaryFolder folder;
  folder.write("train_input.npy", npy_of("|u1", "(3, 2)", "abcdef"));
  folder.write("train_target.npy", npy_of("|u1", "(3,)", std::string("\0\2\1", 3)));
  folder.write("train_more.npy", npy_of("<i8", "(3,)", std::string(24, '\0')));
  folder.write("notes.txt", "not read");
  DataConfig config;
  config.spec = {"npy", {{"path", folder.path("")}}};
  const DataSplits alone = load_data(config, 1, at::kFloat);
  EXPECT_EQ(alone.test, alone.train);
  const Batch batch = alone.train->get({2});
  EXPECT_TRUE(at::equal(batch.input(), at::tensor({101.0f, 102.0f}).view({1, 2})));
  EXPECT_EQ(batch.target().item<std::int64_t>(), 1);
  EXPECT_EQ(batch["more"].scalar_type(), at::kLong);
  folder.write("test_input.npy", npy_of("|u1", "(1, 2)", "gh"));
  folder.write("test_target.npy", npy_of("|u1", "(1,)", "\3"));
  const DataSplits both = load_data(config, 1, at::kFloat);
  EXPECT_EQ(both.test->size(), 1);
  EXPECT_EQ(both.train->shape().classes, 4);
  EXPECT_TRUE(at::equal(all_of(*both.test).input(), at::tensor({103.0f, 104.0f}).view({1, 2})));
}

}  // namespace
}  // namespace gradquake::data
