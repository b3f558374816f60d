// The streaming monitor against the naive one, on random runs in which every verdict occurs.
#include <gtest/gtest.h>

#include <map>

#include "naive_monitor.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

std::vector<SpikeRecord> without_causes(std::vector<SpikeRecord> spikes) {
  for (SpikeRecord& spike : spikes) {
    spike.layer.clear();
    spike.causes.clear();
  }
  return spikes;
}

std::map<std::string, int> compare(const MonitorConfig& config, std::uint64_t first_seed, int runs,
                                   std::int64_t steps) {
  std::map<std::string, int> verdicts;
  for (int i = 0; i < runs; ++i) {
    const auto records = random_run(first_seed + static_cast<std::uint64_t>(i), steps);
    const auto expected = naive_monitor(records, config);
    const auto actual = run(records, config, false, {"fc1", "fc2"});
    EXPECT_EQ(described(without_causes(actual.spikes)), described(expected.spikes))
        << "seed " << first_seed << " + " << i;
    EXPECT_EQ(actual.verdict.episodes, expected.episodes);
    EXPECT_EQ(actual.verdict.progress_lost, expected.progress_lost);
    EXPECT_EQ(worse_verdict(actual.verdict.verdict, expected.worst), actual.verdict.verdict);
    if (::testing::Test::HasFailure()) return verdicts;
    for (const SpikeRecord& spike : expected.spikes) ++verdicts[spike.verdict];
    ++verdicts["run " + actual.verdict.verdict];
  }
  return verdicts;
}

TEST(NaiveMonitorTest, AgreesOnRandomRunsWithShortWindows) {
  auto verdicts = compare(small_windows(), 0, 300, 300);
  for (const char* verdict : {"recovered", "plateau", "diverged", "open"}) EXPECT_GT(verdicts[verdict], 50) << verdict;
  for (const char* verdict : {"recovered", "open", "plateau", "collapsed", "diverged"}) {
    EXPECT_GT(verdicts[std::string("run ") + verdict], 0) << verdict;
  }
}

TEST(NaiveMonitorTest, AgreesOnRandomRunsWithTheDefaultWindows) { compare(MonitorConfig{}, 10'000, 30, 700); }

TEST(NaiveMonitorTest, AgreesWithAHoldOfOneAndTinyWindows) {
  MonitorConfig config;
  config.spikes.window = 2;
  config.spikes.warmup = 1;
  config.recovery.level_window = 1;
  config.recovery.hold = 1;
  config.recovery.plateau_window = 3;
  compare(config, 20'000, 100, 200);
}

}  // namespace
}  // namespace gradquake::monitor::test
