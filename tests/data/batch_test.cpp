#include "gradquake/data/batch.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <functional>

#include "gradquake/core/error.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data {
namespace {

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(BatchTest, TensorsAreFoundByTheirNames) {
  const at::Tensor input = at::rand({4, 2}), mask = at::ones({4}, at::kBool);
  const Batch batch({{"input", input}, {"mask", mask}}, {5, 6, 7, 8});
  EXPECT_TRUE(batch.input().is_same(input));
  EXPECT_TRUE(batch["mask"].is_same(mask));
  EXPECT_TRUE(batch.has("mask"));
  EXPECT_FALSE(batch.has("target"));
  EXPECT_EQ(batch.rows(), 4);
  EXPECT_EQ(error_of([&] { batch.target(); }),
            "[data] expected a batch with a tensor 'target', got one of input, mask");
  EXPECT_TRUE(batch.with("target", mask).target().is_same(mask));
}

TEST(BatchTest, PartsKeepEveryTensorAndTheIds) {
  const Batch batch({{"input", at::arange(8).view({4, 2})}, {"more", at::arange(4)}}, {5, 6, 7, 8});
  const Batch part = batch.narrow(1, 2), chosen = batch.select({3, 0});
  EXPECT_TRUE(at::equal(part["more"], at::tensor({1, 2}, at::kLong)));
  EXPECT_EQ(part.sample_ids, (std::vector<std::int64_t>{6, 7}));
  EXPECT_TRUE(at::equal(chosen.input(), at::tensor({6, 7, 0, 1}, at::kLong).view({2, 2})));
  EXPECT_EQ(chosen.sample_ids, (std::vector<std::int64_t>{8, 5}));
}

TEST(BatchTest, RowsThatDifferAndNamesThatRepeatAreRefused) {
  EXPECT_EQ(error_of([] {
              Batch(at::ones({3, 2}), at::ones({2}));
            }),
            "[data] expected one number of rows in a batch, got 3 of 'input' and 2 of 'target'");
  EXPECT_NE(error_of([] { Batch({{"a", at::ones({2})}, {"a", at::ones({2})}}); }).find("got two"), std::string::npos);
  EXPECT_NE(error_of([] { Batch({{"a", at::scalar_tensor(1)}}); }).find("without rows"), std::string::npos);
}

TEST(TensorDatasetTest, NumbersOfAnyShapeAreTargets) {
  const TensorDataset set(at::rand({5, 3}), at::rand({5, 2, 2}));
  EXPECT_EQ(set.shape().targets(), TargetKind::kReal);
  EXPECT_EQ(set.shape().target, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(set.get({4, 1}).target().sizes(), (at::IntArrayRef{2, 2, 2}));
  EXPECT_EQ(set.get({4, 1}).sample_ids, (std::vector<std::int64_t>{4, 1}));
  EXPECT_NE(error_of([] { TensorDataset(at::ones({3, 2}), at::ones({2})); }).find("different rows"), std::string::npos);
}

TEST(TensorDatasetTest, NamedTensorsAreHandedOutAsTheyAre) {
  const TensorDataset set(Batch({{"tokens", at::arange(6).view({3, 2})}, {"target", at::rand({3})}}), {{2}, 0});
  EXPECT_EQ(set.get({2})["tokens"].scalar_type(), at::kLong);
  EXPECT_EQ(set.size(), 3);
  EXPECT_EQ(set.shape().targets(), TargetKind::kSigns);
}

}  // namespace
}  // namespace gradquake::data
