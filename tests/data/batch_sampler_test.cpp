#include "gradquake/data/batch_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "gradquake/core/error.h"

namespace gradquake::data {
namespace {

using Indices = std::vector<std::int64_t>;

Indices epoch_order(BatchSampler& sampler, std::int64_t epoch) {
  Indices order;
  for (std::int64_t i = 0; i < sampler.steps_per_epoch(); ++i) {
    const auto batch = sampler.indices(epoch * sampler.steps_per_epoch() + i);
    order.insert(order.end(), batch.begin(), batch.end());
  }
  return order;
}

// From a second implementation in Python.
TEST(BatchSamplerTest, TheOrderOfASeedIsKnown) {
  BatchSampler sampler(10, 5, 42);
  EXPECT_EQ(epoch_order(sampler, 0), (Indices{1, 3, 5, 2, 8, 4, 9, 6, 0, 7}));
  EXPECT_EQ(epoch_order(sampler, 1), (Indices{0, 1, 9, 4, 8, 3, 2, 6, 5, 7}));
}

TEST(BatchSamplerTest, AnEpochHoldsEverySampleOnce) {
  BatchSampler sampler(100, 10, 1);
  auto order = epoch_order(sampler, 3);
  std::sort(order.begin(), order.end());
  Indices all(100);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(order, all);
}

TEST(BatchSamplerTest, TheLastPartialBatchIsDropped) {
  BatchSampler sampler(103, 10, 1);
  EXPECT_EQ(sampler.steps_per_epoch(), 10);
  auto order = epoch_order(sampler, 0);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order.size(), 100u);
  EXPECT_EQ(std::adjacent_find(order.begin(), order.end()), order.end());
}

TEST(BatchSamplerTest, EpochsAndSeedsDiffer) {
  BatchSampler sampler(100, 10, 1), other(100, 10, 2);
  EXPECT_NE(epoch_order(sampler, 0), epoch_order(sampler, 1));
  EXPECT_NE(epoch_order(sampler, 0), epoch_order(other, 0));
}

TEST(BatchSamplerTest, AStepIsAddressedWithoutTheStepsBeforeIt) {
  BatchSampler unbroken(103, 10, 5);
  for (std::int64_t step = 0; step < 57; ++step) unbroken.indices(step);
  BatchSampler resumed(103, 10, 5);
  EXPECT_EQ(resumed.indices(57), unbroken.indices(57));
  EXPECT_EQ(resumed.indices(3), BatchSampler(103, 10, 5).indices(3));
  EXPECT_EQ(resumed.epoch(57), 5);
}

TEST(BatchSamplerTest, TheBatchSizeDoesNotChangeTheOrder) {
  BatchSampler fine(120, 10, 8), coarse(120, 40, 8);
  EXPECT_EQ(epoch_order(fine, 2), epoch_order(coarse, 2));
}

TEST(BatchSamplerTest, ABatchOfAtLeastTheSetIsTheFullBatchInOrder) {
  for (const std::int64_t batch_size : {6, 7, 1000}) {
    BatchSampler sampler(6, batch_size, 3);
    EXPECT_EQ(sampler.steps_per_epoch(), 1);
    EXPECT_EQ(sampler.indices(0), (Indices{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(sampler.indices(41), (Indices{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(sampler.epoch(41), 41);
  }
}

// The first place of 60,000 epochs of 6 samples. Chi-square with 5 degrees of freedom: 20.5 is exceeded by 1 in 1,000.
TEST(BatchSamplerTest, EverySampleIsEquallyOftenFirst) {
  BatchSampler sampler(6, 5, 17);
  std::vector<int> counts(6);
  for (std::int64_t epoch = 0; epoch < 60000; ++epoch) ++counts[static_cast<std::size_t>(sampler.indices(epoch)[0])];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 1e4) * (count - 1e4) / 1e4;
  EXPECT_LT(chi_square, 20.5);
}

TEST(BatchSamplerTest, AnEmptySetOrBatchIsRefused) {
  EXPECT_THROW(BatchSampler(0, 4, 1), UserError);
  EXPECT_THROW(BatchSampler(4, 0, 1), UserError);
}

}  // namespace
}  // namespace gradquake::data
