// Which steps of a run become spikes and episodes, and what a spike's record says.
#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/core/error.h"
#include "naive_monitor.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

TEST(SpikesTest, ASteadyRunHasNone) {
  const auto result = run(series(500, constant(1), constant(1), {}));
  EXPECT_TRUE(result.spikes.empty());
  EXPECT_EQ(result.verdict.verdict, "none");
  EXPECT_EQ(result.verdict.episodes, 0);
}

TEST(SpikesTest, TheRecordHoldsWhatWasSeen) {
  auto records = series(60, constant(2), constant(0.7), {30});
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  const SpikeRecord& spike = result.spikes[0];
  EXPECT_EQ(spike.step, 30);
  EXPECT_EQ(spike.detector, "both");
  EXPECT_NEAR(spike.score.value(), std::log(std::hypot(2, 6) / 2) / (1.4826 * 0.02), 1e-9);
  EXPECT_EQ(spike.grad_norm, std::hypot(2, 6));
  EXPECT_EQ(spike.clean_grad_norm, 2);
  EXPECT_EQ(spike.grad_error, 6);
  EXPECT_EQ(spike.level, 2);
  EXPECT_EQ(spike.loss_level, 0.7);
  EXPECT_EQ(spike.episode, 0);
}

TEST(SpikesTest, EachDetectorIsNamed) {
  const auto detector_of = [](const StepRecord& last) {
    auto records = series(last.step, constant(1), constant(1), {});
    records.push_back(last);
    const auto result = run(records);
    return result.spikes.empty() ? std::string("none") : result.spikes.back().detector;
  };
  EXPECT_EQ(detector_of(shaken(5, 1, 1, 3)), "shadow");  // the robust detector is still warming up
  EXPECT_EQ(detector_of(quiet(30, 3, 1)), "robust");
  EXPECT_EQ(detector_of(shaken(30, 1, 1, 3)), "both");
  EXPECT_EQ(detector_of(quiet(30, kNaN, 1)), "nonfinite");
  EXPECT_EQ(detector_of(quiet(0, kInf, 1)), "nonfinite");
  EXPECT_EQ(detector_of(shaken(30, 1, 1, 0.3)), "none");
}

TEST(SpikesTest, AFallOfTheNormIsNoSpike) {
  auto records = series(100, constant(1), constant(1), {});
  records[50].grad_norm = 1e-6;
  EXPECT_TRUE(run(records).spikes.empty());
}

TEST(SpikesTest, ASlowDriftIsNoSpike) {
  // The norm grows a hundredfold over 1,000 steps, 0.46 % a step: never far from its recent past.
  const auto grows = [](std::int64_t t) {
    return std::pow(100, static_cast<double>(t) / 1000) * (t % 2 ? 1.05 : 0.95);
  };
  EXPECT_TRUE(run(series(1000, grows, constant(1), {})).spikes.empty());
}

TEST(SpikesTest, AGradientOfZeroIsNoSpikeAndBreaksNothing) {
  auto records = series(100, constant(1), constant(1), {});
  for (std::size_t t = 40; t < 50; ++t) records[t].grad_norm = 0;
  records[60].grad_norm = 10;
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].step, 60);
}

TEST(SpikesTest, ANonFiniteSpikeNamesItsLayer) {
  auto records = series(40, constant(1), constant(1), {});
  records[30].grad_norm = kInf;
  records[30].finite = false;
  records[30].nonfinite_at = "fc2";
  const auto result = run(records, {}, true, {"fc1", "fc2"});
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].layer, "fc2");
  EXPECT_EQ(result.spikes[0].detector, "nonfinite");
}

TEST(SpikesTest, ANonFiniteLossIsASpikeToo) {
  auto records = series(40, constant(1), constant(1), {});
  records[30].loss = kInf;
  records[30].finite = false;
  records[30].nonfinite_at = "loss";
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].layer, "loss");
}

TEST(SpikesTest, TheLayerWithTheLargestRelativeErrorIsNamed) {
  auto records = series(40, constant(1), constant(1), {30});
  for (StepRecord& record : records) record.layers.grad = {1, 1};
  records[30].layers = {{1, 3}, {1, 1}, {0.5, 2.9}};
  const auto result = run(records, {}, false, {"fc1", "fc2"});
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].layer, "fc2");
}

TEST(SpikesTest, AnOutcomeHandsOutTheSpikeAndItsLevels) {
  Monitor monitor({}, {});
  const auto records = series(60, constant(1), constant(1), {30, 33});
  for (std::size_t t = 0; t < 30; ++t) EXPECT_FALSE(monitor.observe(records[t]).spike);

  const auto first = monitor.observe(records[30]);
  EXPECT_TRUE(first.spike);
  EXPECT_TRUE(first.opens_episode);
  EXPECT_EQ(first.spike->step, 30);
  EXPECT_EQ(first.levels.level, 1.0);
  monitor.observe(records[31]);
  monitor.observe(records[32]);
  const auto second = monitor.observe(records[33]);
  EXPECT_TRUE(second.spike);
  EXPECT_FALSE(second.opens_episode);
  EXPECT_EQ(second.spike->step, 33);
  EXPECT_EQ(monitor.open_spikes().size(), 2u);
}

TEST(SpikesTest, AClosedSpikeIsTheFoundOneWithItsVerdict) {
  Monitor monitor({}, {});
  std::vector<SpikeRecord> found, closed;
  for (const StepRecord& record : series(60, constant(1), constant(1), {30})) {
    const auto outcome = monitor.observe(record);
    if (outcome.spike) found.push_back(*outcome.spike);
    closed.insert(closed.end(), outcome.closed.begin(), outcome.closed.end());
  }
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(found[0].verdict, "");
  found[0].verdict = closed[0].verdict;
  found[0].observed_recovery_steps = closed[0].observed_recovery_steps;
  found[0].gradient_recovery_steps = closed[0].gradient_recovery_steps;
  EXPECT_EQ(described(found), described(closed));
  EXPECT_TRUE(monitor.open_spikes().empty());
}

TEST(SpikesTest, StepsMustMoveForward) {
  Monitor monitor({}, {});
  monitor.observe(quiet(4, 1, 1));
  EXPECT_THROW(monitor.observe(quiet(4, 1, 1)), UserError);
  EXPECT_THROW(monitor.observe(quiet(3, 1, 1)), UserError);
}

TEST(SpikesTest, WindowsStayExactAfterANaNAndAHugeValue) {
  auto records = series(120, constant(1), constant(1), {100});
  const auto undisturbed = run(records, shadow_only());
  records[40].grad_norm = kNaN;
  records[40].loss = kNaN;
  records[60].grad_norm = 1e9;
  const auto disturbed = run(records, shadow_only());
  ASSERT_EQ(undisturbed.spikes.size(), 1u);
  ASSERT_EQ(disturbed.spikes.size(), 2u);
  EXPECT_EQ(disturbed.spikes[1].step, 100);
  EXPECT_EQ(disturbed.spikes[1].level, undisturbed.spikes[0].level);
  EXPECT_EQ(disturbed.spikes[1].verdict, "recovered");
  EXPECT_EQ(disturbed.spikes[1].observed_recovery_steps, 0);
}

}  // namespace
}  // namespace gradquake::monitor::test
