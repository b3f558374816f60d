#include "gradquake/hooks/ledger_totals.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gradquake/hooks/foresight.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::make_rule;
using test::random;
using torch::Tensor;

InjectionRecord entry(std::int64_t step, const std::string& site, double norm, double relative) {
  return {step, "r", site, "forward", 0, 10, norm, relative};
}

std::string text(const std::vector<LedgerTotal>& totals) {
  std::string all;
  for (const LedgerTotal& t : totals) {
    all += t.rule + ' ' + t.site + ' ' + t.direction + ' ' + std::to_string(t.first_step) + '-' +
           std::to_string(t.last_step) + " n=" + std::to_string(t.count) + " e=" + std::to_string(t.elements) +
           " bad=" + std::to_string(t.nonfinite) + ' ' + std::to_string(t.norm) + ' ' +
           std::to_string(t.relative_norm) + ' ' + std::to_string(t.largest_relative_norm) + '\n';
  }
  return all;
}

// A run of `steps` steps of two micro-batches under one plan; hands its entries to `take`.
void run(std::int64_t first, std::int64_t last,
         const std::function<void(std::int64_t, std::vector<InjectionRecord>)>& take) {
  Plan plan({make_rule("r", "*", Direction::kBoth), make_rule("s", "a", Direction::kForward)}, {.run_steps = last});
  for (std::int64_t step = first; step < last; ++step) {
    for (const std::int64_t row : {0, 2}) {
      PlanScope scope(plan, {.step = step, .first_row = row, .rows = 2, .loss_divisor = 4});
      const Tensor x = random({2, 3}, 1).requires_grad_();
      Tensor y = tap("a", x * 1);
      for (int i = 0; i < 2; ++i) y = tap("b", y.tanh());
      y.sum().backward();
    }
    take(step, plan.ledger().take_entries());
  }
}

TEST(LedgerTotalsTest, ARuleASiteAndADirectionAreSummedOverAWindow) {
  LedgerTotals totals(10);
  totals.add({entry(3, "a", 3, 0.3), entry(9, "a", 4, 0.4), entry(9, "b", 1, 0.1), entry(10, "a", 7, 0.7)});
  EXPECT_TRUE(totals.take(9).empty());
  EXPECT_EQ(text(totals.take(10)),
            "r a forward 3-9 n=2 e=20 bad=0 5.000000 0.353553 0.400000\n"
            "r b forward 9-9 n=1 e=10 bad=0 1.000000 0.100000 0.100000\n");
  EXPECT_TRUE(totals.take(19).empty());
  EXPECT_EQ(text(totals.take_rest()), "r a forward 10-10 n=1 e=10 bad=0 7.000000 0.700000 0.700000\n");
  EXPECT_TRUE(totals.take_rest().empty());
}

TEST(LedgerTotalsTest, NormsThatAreNotFiniteAreCountedAndSpoilNoSum) {
  const double inf = std::numeric_limits<double>::infinity();
  LedgerTotals totals(1);
  totals.add({entry(0, "a", 2, 0.5), entry(0, "a", inf, 1), entry(0, "a", 1, std::nan(""))});
  EXPECT_EQ(text(totals.take(1)), "r a forward 0-0 n=3 e=30 bad=2 2.000000 0.500000 0.500000\n");
}

TEST(LedgerTotalsTest, TotalsAreTheEntriesOfARunSummed) {
  LedgerTotals totals(4);
  std::vector<LedgerTotal> taken;
  double squares = 0;
  std::int64_t count = 0;
  run(0, 10, [&](std::int64_t step, const std::vector<InjectionRecord>& entries) {
    for (const InjectionRecord& one : entries) squares += one.norm * one.norm, ++count;
    totals.add(entries);
    for (const LedgerTotal& total : totals.take(step + 1)) taken.push_back(total);
  });
  for (const LedgerTotal& total : totals.take_rest()) taken.push_back(total);
  ASSERT_EQ(taken.size(), 3U * 5U);  // windows; r at a and b in both directions, s at a
  for (const LedgerTotal& total : taken) {
    squares -= total.norm * total.norm;
    count -= total.count;
  }
  EXPECT_EQ(count, 0);
  EXPECT_NEAR(squares, 0, 1e-9);
}

TEST(LedgerTotalsTest, ARunResumedInsideAWindowHandsOverTheSameBits) {
  const auto all_of = [](std::int64_t broken_at) {
    LedgerTotals first(7);
    std::vector<LedgerTotal> taken;
    const auto into = [&taken](LedgerTotals& totals) {
      return [&](std::int64_t step, const std::vector<InjectionRecord>& entries) {
        totals.add(entries);
        for (const LedgerTotal& total : totals.take(step + 1)) taken.push_back(total);
      };
    };
    run(0, broken_at, into(first));
    LedgerTotals second(7);
    second.restore(first.save());
    run(broken_at, 20, into(second));
    for (const LedgerTotal& total : second.take_rest()) taken.push_back(total);
    std::string bits;
    for (const LedgerTotal& total : taken) bits += std::to_string(std::bit_cast<std::uint64_t>(total.norm)) + ' ';
    return text(taken) + bits;
  };
  const std::string unbroken = all_of(0);
  EXPECT_EQ(all_of(10), unbroken);
  EXPECT_EQ(all_of(14), unbroken);
}

TEST(LedgerTotalsTest, DamagedTextAndAnotherIntervalAreRefused) {
  LedgerTotals totals(5);
  totals.add(entry(3, "a b 3:", 1, 1));
  const std::string saved = totals.save();
  LedgerTotals other(5);
  other.restore(saved);
  EXPECT_EQ(other.save(), saved);
  EXPECT_THROW(other.restore(saved.substr(0, saved.size() - 3)), std::invalid_argument);
  EXPECT_THROW(other.restore(saved + "x"), std::invalid_argument);
  EXPECT_THROW(other.restore(""), std::invalid_argument);
  EXPECT_THROW(LedgerTotals(6).restore(saved), std::invalid_argument);
  EXPECT_THROW(LedgerTotals(0), std::invalid_argument);
}

TEST(LedgerTotalsTest, WhatARunWillWriteIsKnownBefore) {
  Rule late = make_rule("s", "a", Direction::kForward), both = make_rule("r", "*", Direction::kBoth);
  late.schedule = {"at", {{"steps", std::vector<std::int64_t>{1, 2, 9}}}};
  both.schedule.set("interval", 3);
  const Plan plan({both, late}, {.run_steps = 10}, {"a", "b"});
  const std::vector<SiteInfo> sites = {{"a", {2, 3}, "float64", 1, true}, {"b", {2, 3}, "float64", 2, true}};
  const LedgerForesight foreseen = foresee_ledger(plan, sites, 2, 5);
  EXPECT_EQ(foreseen.entries, 4 * 2 * 3 * 2 + 3 * 2);  // firings, micro-batches, occurrences, directions
  EXPECT_EQ(foreseen.totals, 2 * 2 * 2 + 2);           // windows, sites, directions
  const Plan every({make_rule("r", "*", Direction::kBoth), make_rule("s", "a", Direction::kForward)}, {.run_steps = 6},
                   {"a", "b"});
  std::int64_t written = 0;
  run(0, 6, [&](std::int64_t, const std::vector<InjectionRecord>& entries) {
    written += static_cast<std::int64_t>(entries.size());
  });
  EXPECT_EQ(foresee_ledger(every, sites, 2, 5).entries, written);
}

}  // namespace
}  // namespace gradquake
