#include "gradquake/compare/budget_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace gradquake::compare {
namespace {

// Carries a search out with a known cost, the same for three seeds but for a small spread.
BudgetSearch carried_out(BudgetSearch search, const std::function<double(int)>& cost, double spread = 1e-3) {
  for (std::vector<int> next = search.next(); !next.empty(); next = search.next())
    for (const int k : next) search.add(k, {cost(k) - spread, cost(k), cost(k) + spread});
  return search;
}

TEST(MonotoneFitTest, IsTheLeastSquaresFitThatNeverFalls) {
  EXPECT_EQ(monotone_fit({1, 2, 3}), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(monotone_fit({3, 2, 1}), (std::vector<double>{2, 2, 2}));
  EXPECT_EQ(monotone_fit({1, 4, 2, 3, 5}), (std::vector<double>{1, 3, 3, 3, 5}));
  EXPECT_TRUE(monotone_fit({}).empty());
}

TEST(BudgetSearchTest, EndsWithNeighboursOfTheLadderAroundTheTrueSize) {
  // Costs 2^(k/2) / 100 against 0.05: the size 5 lies between k = 4 (4) and k = 5 (5.66).
  for (const int start : {-20, -6, 0, 4, 8}) {
    const BudgetSearch done =
        carried_out(BudgetSearch(0.05, -20, 8, start, 2), [](int k) { return std::exp2(k / 2.0) / 100; });
    EXPECT_EQ(done.within(), 4) << start;
    EXPECT_EQ(done.beyond(), 5) << start;
  }
}

TEST(BudgetSearchTest, StopsAtTheEndsOfTheLadder) {
  const BudgetSearch free = carried_out(BudgetSearch(0.05, -4, 4, 0, 2), [](int) { return 0.0; });
  EXPECT_EQ(free.within(), 4);
  EXPECT_FALSE(free.beyond());
  const BudgetSearch dear = carried_out(BudgetSearch(0.05, -4, 4, 0, 2), [](int) { return 1.0; });
  EXPECT_FALSE(dear.within());
  EXPECT_EQ(dear.beyond(), -4);
}

TEST(BudgetSearchTest, WhatLiesWithinTheSpreadOfSeedsIsShownToBeNeither) {
  // Between 0.04 and 0.06 the spread of +-0.02 hides on which side it is.
  const BudgetSearch done = carried_out(
      BudgetSearch(0.05, -20, 20, 0, 2), [](int k) { return 0.05 + k * 0.01; }, 0.02);
  ASSERT_TRUE(done.within() && done.beyond());
  const auto costs = done.costs();
  EXPECT_LT(costs.at(*done.within()).high, 0.05);
  EXPECT_GT(costs.at(*done.beyond()).low, 0.05);
  EXPECT_GT(*done.beyond() - *done.within(), 2);
}

// A measured cost that falls by accident does not turn the answer round.
TEST(BudgetSearchTest, FitsCostsThatNeverFall) {
  BudgetSearch search(0.05, 0, 8, 4, 2);
  search.add(2, {0.011, 0.012, 0.013});
  search.add(4, {0.20, 0.21, 0.22});
  search.add(6, {0.10, 0.11, 0.12});
  double before = -1;
  for (const auto& [k, cost] : search.costs()) {
    EXPECT_GE(cost.estimate, before);
    before = cost.estimate;
  }
  EXPECT_EQ(search.within(), 2);
  EXPECT_EQ(search.beyond(), 4);
}

}  // namespace
}  // namespace gradquake::compare
