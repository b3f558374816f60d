// Which rules a spike is put down to.
#include <gtest/gtest.h>

#include "gradquake/monitor/causes.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

StepRecord with(std::int64_t step, std::vector<InjectionRecord> injections) {
  StepRecord record = quiet(step, 1, 1);
  record.injections = std::move(injections);
  return record;
}

InjectionRecord injection(const std::string& rule, const std::string& site, const std::string& direction, double norm) {
  return {0, rule, site, direction, 0, 10, norm, 1};
}

TEST(CausesTest, ReachBackFiveStepsAndNoFurther) {
  RecentCauses causes;
  causes.observe(with(10, {injection("a", "x", "forward", 1)}));
  for (std::int64_t step = 11; step <= 15; ++step) causes.observe(with(step, {}));
  ASSERT_EQ(causes.at(15).size(), 1u);
  EXPECT_EQ(causes.at(15)[0].steps_ago, 5);
  causes.observe(with(16, {}));
  EXPECT_TRUE(causes.at(16).empty());
}

TEST(CausesTest, EachRuleSiteAndDirectionIsNamedOnceAtItsLatestFiring) {
  RecentCauses causes;
  causes.observe(with(1, {injection("a", "x", "forward", 9), injection("a", "x", "backward", 2)}));
  causes.observe(with(3, {injection("a", "x", "forward", 1)}));
  const auto found = causes.at(4);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].direction, "forward");
  EXPECT_EQ(found[0].norm, 1);
  EXPECT_EQ(found[0].steps_ago, 1);
  EXPECT_EQ(found[1].direction, "backward");
  EXPECT_EQ(found[1].steps_ago, 3);
}

TEST(CausesTest, OccurrencesOfASiteAddTheirSquares) {
  RecentCauses causes;
  causes.observe(with(0, {injection("a", "x", "forward", 3), injection("a", "x", "forward", 4)}));
  ASSERT_EQ(causes.at(0).size(), 1u);
  EXPECT_DOUBLE_EQ(causes.at(0)[0].norm, 5);
}

TEST(CausesTest, TheLargerNormComesFirstWithinAStep) {
  RecentCauses causes;
  causes.observe(with(0, {injection("small", "x", "forward", 1), injection("large", "y", "forward", 2)}));
  EXPECT_EQ(causes.at(0)[0].rule, "large");
}

TEST(CausesTest, ALongListKeepsTheNearest) {
  RecentCauses causes;
  for (std::int64_t step = 0; step < 4; ++step) {
    std::vector<InjectionRecord> many;
    for (int i = 0; i < 8; ++i) many.push_back(injection("r" + std::to_string(step), std::to_string(i), "forward", 1));
    causes.observe(with(step, many));
  }
  const auto found = causes.at(3);
  ASSERT_EQ(found.size(), kMostCauses);
  EXPECT_EQ(found.front().rule, "r3");
  EXPECT_EQ(found.back().rule, "r2");
}

TEST(CausesTest, ASpikeWithoutInjectionsIsNatural) {
  auto records = series(60, constant(1), constant(1), {});
  records[30].grad_norm = 10;
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_TRUE(result.spikes[0].causes.empty());
}

TEST(CausesTest, ADelayedSpikeNamesTheRuleThatFiredBefore) {
  auto records = series(60, constant(1), constant(1), {});
  records[28] = shaken(28, 1, 1, 0.5);  // too small to be a spike itself
  records[30].grad_norm = 10;
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  ASSERT_EQ(result.spikes[0].causes.size(), 1u);
  EXPECT_EQ(result.spikes[0].causes[0].rule, "shake");
  EXPECT_EQ(result.spikes[0].causes[0].steps_ago, 2);
}

}  // namespace
}  // namespace gradquake::monitor::test
