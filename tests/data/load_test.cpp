#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "files.h"
#include "gradquake/data/registry.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data {
namespace {

DataConfig config_of(const std::string& kind, const std::string& path = "") {
  DataConfig config;
  config.spec = kind;
  if (!path.empty()) config.spec.set("path", path);
  return config;
}

std::vector<std::int64_t> all_rows(const Dataset& set) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < set.size(); ++i) rows.push_back(i);
  return rows;
}

TEST(LoadDataTest, DigitsAreSixteenthsInTheAskedDtype) {
  const auto splits = load_data(config_of("digits"), 1, at::kDouble);
  EXPECT_EQ(splits.train->size(), 3823);
  EXPECT_EQ(splits.test->size(), 1797);
  EXPECT_EQ(splits.train->shape().sample, (std::vector<std::int64_t>{64}));
  EXPECT_EQ(splits.train->shape().classes, 10);
  const Batch batch = splits.train->get({2, 0});
  EXPECT_EQ(batch.input().scalar_type(), at::kDouble);
  EXPECT_EQ(batch.input()[1][3].item<double>(), 15.0 / 16);
  EXPECT_EQ(batch.target().scalar_type(), at::kLong);
  EXPECT_EQ(batch.sample_ids, (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(load_data(config_of("digits"), 1, at::kFloat).test->get({5}).input().scalar_type(), at::kFloat);
}

TEST(LoadDataTest, MnistIsScaledToTheUnitInterval) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder";
  const auto splits = load_data(config_of("idx", data_folder() + "/mnist"), 1, at::kFloat);
  EXPECT_EQ(splits.train->shape().sample, (std::vector<std::int64_t>{1, 28, 28}));
  EXPECT_EQ(splits.train->shape().classes, 10);
  const Batch batch = splits.train->get({0, 1});
  EXPECT_EQ(batch.input().sizes(), (at::IntArrayRef{2, 1, 28, 28}));
  EXPECT_EQ(batch.input()[0][0][5][12].item<float>(), 3.0f / 255);
  EXPECT_EQ(batch.input().max().item<float>(), 1.0f);
  EXPECT_EQ(batch.target()[0].item<std::int64_t>(), 5);
}

TEST(LoadDataTest, TrainAndTestImagesMustHaveOneSize) {
  const TemporaryFolder folder;
  const std::string one("\0\0\0\1", 4), two("\0\0\0\2", 4), image_magic("\0\0\x8\3", 4), label_magic("\0\0\x8\1", 4);
  folder.write("train-images-idx3-ubyte", image_magic + one + one + two + "ab");
  folder.write("t10k-images-idx3-ubyte", image_magic + one + two + one + "ab");
  for (const char* name : {"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"})
    folder.write(name, label_magic + one + '\3');
  const auto message = user_error([&] { load_data(config_of("idx", folder.path("")), 1, at::kFloat); });
  EXPECT_NE(message.find("got 1x2 and 2x1"), std::string::npos) << message;
}

TEST(LoadDataTest, ImagesArePaddedByZerosAndRepeatedOverChannels) {
  const TemporaryFolder folder;
  const std::string one("\0\0\0\1", 4), two("\0\0\0\2", 4), image_magic("\0\0\x8\3", 4), label_magic("\0\0\x8\1", 4);
  for (const std::string split : {"train", "t10k"}) {
    folder.write(split + "-images-idx3-ubyte", image_magic + one + one + two + "\x33\xFF");
    folder.write(split + "-labels-idx1-ubyte", label_magic + one + '\3');
  }
  auto config = config_of("idx", folder.path(""));
  config.spec.set("pad", 1).set("channels", 3);
  const auto set = load_data(config, 1, at::kFloat).train;
  EXPECT_EQ(set->shape().sample, (std::vector<std::int64_t>{3, 3, 4}));
  at::Tensor expected = at::zeros({1, 3, 3, 4});
  expected.select(2, 1).select(2, 1).fill_(0.2f);
  expected.select(2, 1).select(2, 2).fill_(1);
  EXPECT_TRUE(at::equal(set->get({0}).input(), expected));
}

TEST(LoadDataTest, ALibsvmFileSplitsFourToOneBySeed) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder";
  const auto config = config_of("libsvm", data_folder() + "/libsvm/mushrooms");
  const auto first = load_data(config, 1, at::kFloat), again = load_data(config, 1, at::kFloat),
             other = load_data(config, 2, at::kFloat);
  EXPECT_EQ(first.train->size(), 6499);
  EXPECT_EQ(first.test->size(), 1625);
  EXPECT_EQ(first.train->shape().sample, (std::vector<std::int64_t>{112}));
  EXPECT_EQ(first.train->shape().classes, 0);
  const auto inputs = [](const Dataset& set) { return set.get(all_rows(set)).input(); };
  EXPECT_TRUE(at::equal(inputs(*first.train), inputs(*again.train)));
  EXPECT_FALSE(at::equal(inputs(*first.train), inputs(*other.train)));
  const auto targets =
      at::cat({first.train->get(all_rows(*first.train)).target(), first.test->get(all_rows(*first.test)).target()});
  EXPECT_EQ(targets.eq(1).sum().item<std::int64_t>(), 4208);
  EXPECT_EQ(targets.eq(-1).sum().item<std::int64_t>(), 3916);
}

TEST(LoadDataTest, ATestFileBesideTheLibsvmFileIsUsed) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder";
  const auto splits = load_data(config_of("libsvm", data_folder() + "/libsvm/a9a"), 1, at::kFloat);
  EXPECT_EQ(splits.train->size(), 32561);
  EXPECT_EQ(splits.test->size(), 16281);
  EXPECT_EQ(splits.test->shape().sample, (std::vector<std::int64_t>{123}));
  const Batch row = splits.train->get({0});
  EXPECT_EQ(row.target().item<float>(), -1);
  EXPECT_EQ(row.input().sum().item<float>(), 14);
  EXPECT_EQ(row.input()[0][2].item<float>(), 1);
}

TEST(LoadDataTest, EveryLibsvmRowIsInOnePartOnly) {
  const TemporaryFolder folder;
  std::string text;
  for (int row = 0; row < 13; ++row) text += (row % 2 ? "1 1:" : "-1 1:") + std::to_string(row) + "\n";
  const auto splits = load_data(config_of("libsvm", folder.write("toy", text)), 3, at::kDouble);
  EXPECT_EQ(splits.train->size(), 10);
  EXPECT_EQ(splits.test->size(), 3);
  const auto values =
      at::cat({splits.train->get(all_rows(*splits.train)).input(), splits.test->get(all_rows(*splits.test)).input()});
  EXPECT_TRUE(at::equal(std::get<0>(values.flatten().sort()), at::arange(13, at::kDouble)));
}

TEST(LoadDataTest, AWideLibsvmFileIsRefusedBeforeItIsMadeDense) {
  const TemporaryFolder folder;
  std::string text = "-1 10000000:1\n";
  for (int row = 0; row < 100; ++row) text += "1 1:1\n";
  const auto path = folder.write("wide", text);
  const auto message = user_error([&] { load_data(config_of("libsvm", path), 1, at::kFloat); });
  EXPECT_NE(message.find("expected at most 2^28 dense values, got 101 samples of 10000000"), std::string::npos)
      << message;
}

TEST(LoadDataTest, AMissingFileIsNamed) {
  const auto message = user_error([&] { load_data(config_of("libsvm", "no/such/file"), 1, at::kFloat); });
  EXPECT_EQ(message, "[data] expected a file at 'no/such/file', got none");
}

TEST(LoadDataTest, SyntheticLogisticIsTheSameInBothDtypesAndDiffersBySeed) {
  const auto wide = load_data(config_of("synthetic_logistic"), 1, at::kDouble);
  const auto narrow = load_data(config_of("synthetic_logistic"), 1, at::kFloat);
  const auto other = load_data(config_of("synthetic_logistic"), 2, at::kDouble);
  const Batch all = wide.train->get(all_rows(*wide.train));
  EXPECT_EQ(all.input().sizes(), (at::IntArrayRef{2000, 10}));
  EXPECT_TRUE(at::equal(all.target().abs(), at::ones({2000}, at::kDouble)));
  EXPECT_TRUE(at::equal(all.input().to(at::kFloat), narrow.train->get(all_rows(*narrow.train)).input()));
  EXPECT_FALSE(at::equal(all.input(), other.train->get(all_rows(*other.train)).input()));
  EXPECT_EQ(wide.test, wide.train);
}

TEST(LoadDataTest, TheWholeSetAndAPartHoldTheSameRows) {
  const auto set = load_data(config_of("synthetic_logistic"), 1, at::kDouble).train;
  const Batch all = set->get(all_rows(*set)), part = set->get({7, 1999, 7});
  EXPECT_TRUE(at::equal(part.input()[0], all.input()[7]));
  EXPECT_TRUE(at::equal(part.input()[1], all.input()[1999]));
  EXPECT_TRUE(at::equal(part.target()[2], all.target()[7]));
}

TEST(LoadDataTest, NumbersOfALibsvmFileAreTargetsOfRegression) {
  const TemporaryFolder folder;
  auto config = config_of("libsvm", folder.write("t", "0.5 1:1\n-2.25 2:3\n7 1:2 2:1\n1e3 1:4\n0 2:1\n"));
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("a third"), std::string::npos);
  config.spec.set("targets", "numbers");
  const auto splits = load_data(config, 1, at::kFloat);
  EXPECT_EQ(splits.train->shape().targets(), TargetKind::kReal);
  at::Tensor all =
      at::cat({splits.train->get(all_rows(*splits.train)).target(), splits.test->get(all_rows(*splits.test)).target()});
  EXPECT_TRUE(at::equal(std::get<0>(all.sort()), at::tensor({-2.25f, 0.0f, 0.5f, 7.0f, 1000.0f})));
}

TEST(LoadDataTest, TheLinearProblemIsSolvedByLeastSquaresUpToItsNoise) {
  auto config = config_of("synthetic_linear");
  config.spec.set("samples", 400).set("features", 5).set("outputs", 2).set("noise", 0.1);
  const auto splits = load_data(config, 3, at::kDouble);
  EXPECT_EQ(splits.train->size(), 400);
  EXPECT_EQ(splits.test->size(), 100);
  EXPECT_EQ(splits.train->shape().target, (std::vector<std::int64_t>{2}));
  const Batch train = splits.train->get(all_rows(*splits.train)), test = splits.test->get(all_rows(*splits.test));
  const at::Tensor H = train.input(), W = at::linalg_solve(H.t().mm(H), H.t().mm(train.target()));
  const double error = (test.input().mm(W) - test.target()).square().mean().item<double>();
  EXPECT_NEAR(std::sqrt(error), 0.1, 0.02);  // 200 draws: 5 % standard error
  EXPECT_NEAR(train.target().var().item<double>(), 1, 0.9);
}

TEST(LoadDataTest, AUsersKindIsLoadedByItsName) {
  const auto load = [](const DatasetRequest& request) {
    if (request.spec.text("from") == "nowhere") throw std::runtime_error("nothing there");
    if (request.spec.text("from") == "nothing") return DataSplits{};
    const std::int64_t rows = request.spec.integers("shape").at(0);
    at::Tensor inputs = at::arange(rows).reshape({rows, 1});
    if (request.spec.flag("down")) inputs = inputs.flip(0);
    const auto set = std::make_shared<TensorDataset>(inputs, at::zeros({rows}, at::kLong), 2, request.dtype);
    return DataSplits{set, set};
  };
  const KindInfo info{
      "ramp",
      "rows counted from 0",
      {Parameter::integers("shape", "of the inputs").at_least(1), Parameter::text("from", "where").by_default("here"),
       Parameter::flag("down", "from the last to the first").by_default(false)}};
  datasets().add(info, load);
  auto config = config_of("ramp");
  config.spec.set("shape", std::vector<std::int64_t>{4});
  EXPECT_EQ(load_data(config, 1, at::kFloat).train->get({3}).input().item<float>(), 3);
  config.spec.set("down", true);
  EXPECT_EQ(load_data(config, 1, at::kFloat).train->get({3}).input().item<float>(), 0);
  config.spec.set("from", "nowhere");
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("kind 'ramp': nothing there"),
            std::string::npos);
  config.spec.set("from", "nothing");
  EXPECT_NE(user_error([&] { load_data(config, 1, at::kFloat); }).find("factory of 'ramp', got none"),
            std::string::npos);
  EXPECT_THROW(datasets().add(info, load), std::invalid_argument);
  EXPECT_NE(user_error([] { load_data(config_of("verse"), 1, at::kFloat); }).find("got 'verse'"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::data
