// The small parts: windows, rows, flat lines, settings.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "gradquake/core/error.h"
#include "gradquake/monitor/band_row.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/plateau.h"
#include "gradquake/monitor/ring.h"
#include "gradquake/monitor/window.h"

namespace gradquake::monitor {
namespace {

double sorted_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : std::midpoint(values[n / 2 - 1], values[n / 2]);
}

TEST(WindowTest, MedianAndMadOfAHandfulAreThoseOfTheTextbook) {
  Window window(10);
  for (const double value : {1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0}) window.push(value);
  EXPECT_EQ(window.median(), 2.0);
  EXPECT_EQ(window.mad(), 1.0);
}

TEST(WindowTest, AnEvenNumberOfValuesTakesTheMidpoint) {
  Window window(4);
  for (const double value : {1.0, 2.0, 4.0, 8.0}) window.push(value);
  EXPECT_EQ(window.median(), 3.0);
  EXPECT_EQ(window.mad(), 1.5);  // deviations 1, 1, 2, 5
}

TEST(WindowTest, OneValueHasNoDeviation) {
  Window window(3);
  window.push(7);
  EXPECT_EQ(window.median(), 7.0);
  EXPECT_EQ(window.mad(), 0.0);
}

TEST(WindowTest, TheOldestValueLeavesAFullWindow) {
  Window window(3);
  for (const double value : {100.0, 1.0, 2.0, 3.0}) window.push(value);
  EXPECT_EQ(window.size(), 3u);
  EXPECT_EQ(window.median(), 2.0);
}

TEST(WindowTest, EqualsSortingTheLastValuesAfterEveryPush) {
  std::mt19937_64 draw(11);
  for (const int capacity : {1, 2, 3, 20, 37}) {
    Window window(capacity);
    std::vector<double> all;
    for (int i = 0; i < 500; ++i) {
      all.push_back(std::uniform_int_distribution<int>(0, 30)(draw) / 3.0);  // with many ties
      window.push(all.back());
      const auto count = std::min(all.size(), static_cast<std::size_t>(capacity));
      std::vector<double> last(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
      const double median = sorted_median(last);
      ASSERT_EQ(window.median(), median);
      for (double& value : last) value = std::abs(value - median);
      ASSERT_EQ(window.mad(), sorted_median(last));
    }
  }
}

TEST(WindowTest, TheLargestDoublesDoNotOverflowTheMedian) {
  Window window(2);
  window.push(1.6e308);
  window.push(1.7e308);
  EXPECT_NEAR(window.median(), 1.65e308, 1e293);
}

TEST(BandRowTest, ABandNeverLeftRecoversInNoSteps) {
  BandRow row(3, 10);
  for (const int step : {11, 12}) row.observe(step, true);
  EXPECT_FALSE(row.recovery_steps());
  row.observe(13, true);
  EXPECT_EQ(row.recovery_steps(), 0);
}

TEST(BandRowTest, CountsFromTheLastSpikeBeforeTheRow) {
  BandRow row(3, 10);
  row.observe(11, false);
  row.join(12);
  row.observe(13, false);
  row.observe(14, true);
  row.join(14);  // within the row: breaks nothing and is not before it
  row.observe(15, true);
  row.observe(16, true);
  EXPECT_EQ(row.recovery_steps(), 2);  // 14 - 12
}

TEST(BandRowTest, LeavingTheBandStartsTheRowAnew) {
  BandRow row(2, 0);
  row.observe(1, true);
  row.observe(2, false);
  row.observe(3, true);
  EXPECT_FALSE(row.recovery_steps());
  row.observe(4, true);
  EXPECT_EQ(row.recovery_steps(), 3);
}

Ring ring_of(int capacity, const std::vector<double>& values) {
  Ring ring(capacity);
  for (const double value : values) ring.push(value);
  return ring;
}

TEST(RingTest, HoldsTheLastValuesInTheirOrder) {
  Ring ring(3);
  EXPECT_FALSE(ring.push(1));
  EXPECT_FALSE(ring.push(2));
  EXPECT_FALSE(ring.full());
  EXPECT_FALSE(ring.push(3));
  EXPECT_EQ(ring.push(4), 1);
  EXPECT_EQ(ring.push(5), 2);
  ASSERT_EQ(ring.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(ring[i], 3.0 + static_cast<double>(i));
}

TEST(PlateauTest, ALineIsFlatBelowATenthOfItsMean) {
  const auto line = [](double change) {
    Ring ring(101);
    for (int i = 0; i <= 100; ++i) ring.push(1 + change * (i - 50) / 100);
    return ring;
  };
  for (const double sign : {1.0, -1.0}) {
    EXPECT_TRUE(is_flat(line(0.099 * sign)));
    EXPECT_FALSE(is_flat(line(0.101 * sign)));
  }
}

TEST(PlateauTest, TheOrderOfArrivalMatters) {
  EXPECT_FALSE(is_flat(ring_of(4, {9, 9, 1, 2, 3, 4})));
  EXPECT_FALSE(is_flat(ring_of(4, {1.5, 1.0, 1.0, 0.5})));
  EXPECT_TRUE(is_flat(ring_of(4, {1, 2, 2, 1})));
}

TEST(PlateauTest, AllZeroIsFlat) { EXPECT_TRUE(is_flat(ring_of(3, {0, 0, 0}))); }

TEST(PlateauTest, NeedsAFullWindowAndBothLines) {
  Plateau plateau(3);
  plateau.enter(1, 1);
  plateau.enter(1, 1);
  EXPECT_FALSE(plateau.reached());
  plateau.enter(1, 2);
  EXPECT_FALSE(plateau.reached());  // the loss still moves
  plateau.enter(1, 2);
  plateau.enter(1, 2);
  EXPECT_TRUE(plateau.reached());
  plateau.clear();
  EXPECT_FALSE(plateau.reached());
}

TEST(MonitorConfigTest, EachSettingOutOfItsRangeIsNamed) {
  const auto complaint = [](auto&& change) {
    MonitorConfig config;
    change(config);
    try {
      check(config);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(complaint([](MonitorConfig&) {}), "");
  const auto names = [&](const std::string& name, auto&& change) {
    EXPECT_NE(complaint(change).find(name), std::string::npos) << name << ": " << complaint(change);
  };
  names("spikes.shadow_ratio", [](MonitorConfig& c) { c.spikes.shadow_ratio = 0; });
  names("spikes.robust_score", [](MonitorConfig& c) { c.spikes.robust_score = -1; });
  names("spikes.window", [](MonitorConfig& c) { c.spikes.window = 0; });
  names("spikes.warmup", [](MonitorConfig& c) { c.spikes.warmup = 0; });
  names("recovery.factor", [](MonitorConfig& c) { c.recovery.factor = 0.9; });
  names("recovery.ewma", [](MonitorConfig& c) { c.recovery.ewma = 1.1; });
  names("recovery.level_window", [](MonitorConfig& c) { c.recovery.level_window = 0; });
  names("recovery.hold", [](MonitorConfig& c) { c.recovery.hold = 0; });
  names("recovery.plateau_window", [](MonitorConfig& c) { c.recovery.plateau_window = 1; });
  names("recovery.diverged_loss_factor", [](MonitorConfig& c) { c.recovery.diverged_loss_factor = 1; });
}

}  // namespace
}  // namespace gradquake::monitor
