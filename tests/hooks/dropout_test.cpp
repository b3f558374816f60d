#include "gradquake/hooks/dropout.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "helpers.h"

namespace gradquake {
namespace {

using torch::Tensor;

Tensor masked(const DropoutContext& context, const Tensor& y, double p = 0.5, const char* site = "site") {
  const DropoutScope masks(context);
  return dropout(site, y, p);
}

TEST(DropoutTest, SeedStepSiteAndOccurrenceEachGiveAMaskOfItsOwn) {
  const Tensor y = torch::ones({64});
  const Tensor first = masked({.seed = 1, .step = 2}, y);
  EXPECT_TRUE(torch::equal(masked({.seed = 1, .step = 2}, y), first));
  EXPECT_FALSE(torch::equal(masked({.seed = 2, .step = 2}, y), first));
  EXPECT_FALSE(torch::equal(masked({.seed = 1, .step = 3}, y), first));
  EXPECT_FALSE(torch::equal(masked({.seed = 1, .step = 2}, y, 0.5, "other"), first));
  DropoutScope masks({.seed = 1, .step = 2});
  EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), first));
  EXPECT_FALSE(torch::equal(dropout("site", y, 0.5), first));
  masks.rewind();
  EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), first));
}

TEST(DropoutTest, SplittingABatchChangesNoMask) {
  const Tensor y = torch::ones({12, 5, 7});
  const Tensor whole = masked({.step = 1, .rows = 6}, y);  // two rows a sample
  for (const std::int64_t size : {1, 2, 3, 5}) {
    for (std::int64_t first = 0; first < 6; first += size) {
      const std::int64_t rows = std::min<std::int64_t>(size, 6 - first);
      const Tensor part = masked({.step = 1, .first_row = first, .rows = rows}, y.narrow(0, 2 * first, 2 * rows));
      EXPECT_TRUE(torch::equal(part, whole.narrow(0, 2 * first, 2 * rows))) << size << ' ' << first;
    }
  }
}

TEST(DropoutTest, MemoryFormatDtypeAndThreadsChangeNoMask) {
  const Tensor y = torch::ones({4, 8, 30, 40});
  const Tensor expected = masked({}, y, 0.3);
  EXPECT_TRUE(torch::equal(masked({}, y.contiguous(at::MemoryFormat::ChannelsLast), 0.3), expected));
  EXPECT_TRUE(torch::equal(masked({}, y.to(torch::kFloat64), 0.3) != 0, expected != 0));
  EXPECT_EQ(masked({}, y.to(torch::kBFloat16), 0.3).scalar_type(), torch::kBFloat16);
  const int before = torch::get_num_threads();
  torch::set_num_threads(2);
  EXPECT_TRUE(torch::equal(masked({}, y, 0.3), expected));
  torch::set_num_threads(before);
}

// Six standard errors: a false alarm in 2e-9 of seeds, were they not fixed.
TEST(DropoutTest, AsManyAreDroppedAsAskedForAndTheMeanIsKept) {
  constexpr double kElements = 1e6;
  for (const double p : {0.0, 0.001, 0.2, 0.5, 0.9}) {
    const Tensor out = masked({.seed = 5}, torch::ones({static_cast<std::int64_t>(kElements)}, torch::kFloat64), p);
    const double dropped = 1 - out.count_nonzero().item<double>() / kElements;
    EXPECT_NEAR(dropped, p, 6 * std::sqrt(p * (1 - p) / kElements)) << p;
    EXPECT_NEAR(out.mean().item<double>(), 1, 6 * std::sqrt(p / (1 - p) / kElements) + 1e-6) << p;
    EXPECT_NEAR(out.max().item<double>(), 1 / (1 - p), 1e-6 / (1 - p)) << p;
  }
}

TEST(DropoutTest, TheMaskIsAConstantToAutogradTwiceOver) {
  const Tensor x = test::random({50}, 1).requires_grad_();
  const Tensor y = masked({}, x * x);
  const Tensor mask = (y / (x * x)).detach();
  const Tensor first = torch::autograd::grad({y.sum()}, {x}, {}, true, true)[0];
  EXPECT_TRUE(torch::allclose(first, 2 * x * mask));
  EXPECT_TRUE(torch::allclose(torch::autograd::grad({first.sum()}, {x})[0], 2 * mask));
}

TEST(DropoutTest, APassAsideChangesNoMaskAfterIt) {
  const Tensor y = torch::ones({64});
  std::vector<Tensor> plain;
  {
    const DropoutScope masks({.seed = 1});
    for (int i = 0; i < 2; ++i) plain.push_back(dropout("site", y, 0.5));
  }
  const DropoutScope masks({.seed = 1});
  EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), plain[0]));
  {
    DropoutAside aside;
    EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), plain[1]));
    EXPECT_FALSE(torch::equal(dropout("site", y, 0.5), plain[1]));
    aside.rewind();
    EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), plain[1]));
    const DropoutScope other({.seed = 9});
    EXPECT_FALSE(torch::equal(dropout("site", y, 0.5), plain[1]));
  }
  EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), plain[1]));
}

TEST(DropoutTest, ARecomputationMeetsTheMasksAgainWithAndWithoutAPlan) {
  const Tensor y = torch::ones({64});
  Plan plan({test::forward_rule("site")}, {});
  for (const bool with_plan : {false, true}) {
    const DropoutScope masks({.seed = 1});
    const std::unique_ptr<PlanScope> scope = with_plan ? std::make_unique<PlanScope>(plan, StepContext{}) : nullptr;
    dropout("site", y, 0.5);
    const OccurrenceMark mark = with_plan ? scope->mark() : occurrence_mark();
    const Tensor first = dropout("site", y, 0.5);
    {
      const RecomputeScope replay(mark);
      EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), first));
    }
    EXPECT_FALSE(torch::equal(dropout("site", y, 0.5), first));
  }
}

TEST(DropoutTest, WithoutAScopeLibTorchsGeneratorDraws) {
  const Tensor y = torch::ones({64});
  torch::manual_seed(3);
  const Tensor expected = at::dropout(y, 0.5, true);
  torch::manual_seed(3);
  EXPECT_TRUE(torch::equal(dropout("site", y, 0.5), expected));
}

TEST(DropoutTest, WhatItCannotDoIsRefused) {
  const Tensor y = torch::ones({4, 2});
  for (const double p : {-0.1, 1.0, std::nan("")}) EXPECT_THROW(masked({}, y, p), std::invalid_argument);
  EXPECT_THROW(masked({}, torch::ones({4}, torch::kInt64)), std::invalid_argument);
  EXPECT_THROW(DropoutScope({.step = -1}), std::invalid_argument);
  EXPECT_THROW(DropoutScope({.first_row = 1}), std::invalid_argument);
  EXPECT_THROW(masked({.first_row = 3, .rows = 3}, y), std::invalid_argument);
}

}  // namespace
}  // namespace gradquake
