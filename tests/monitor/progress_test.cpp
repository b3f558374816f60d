// What a whole run comes to.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gradquake/core/error.h"
#include "gradquake/monitor/progress.h"
#include "gradquake/monitor/run_verdict.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

double falling(std::int64_t t) { return 0.1 + 2.2 * std::exp(-static_cast<double>(t) / 50); }

TEST(ProgressTest, LostIsTheShareOfWhatWasLearned) {
  Progress progress;
  EXPECT_FALSE(progress.lost());
  progress.observe(2.0, 2.0);
  progress.observe(0.5, 0.5);
  progress.observe(1.25, 1.25);
  EXPECT_DOUBLE_EQ(progress.lost().value(), 0.5);  // (1.25 - 0.5) / (2 - 0.5)
  EXPECT_TRUE(progress.learned());
}

TEST(ProgressTest, ARunThatLearnedLittleIsMeasuredAgainstATenthOfItsFirstLoss) {
  Progress progress;
  progress.observe(2.0, 2.0);
  progress.observe(1.9, 1.9);
  progress.observe(2.0, 2.0);
  EXPECT_NEAR(progress.lost().value(), 0.1 / 0.2, 1e-12);
  EXPECT_FALSE(progress.learned());
}

TEST(ProgressTest, MediansForgiveASingleBadBatch) {
  auto records = series(200, constant(1), falling, {});
  records.back().loss = 50;
  EXPECT_LT(run(records).verdict.progress_lost.value(), 0.01);
}

TEST(ProgressTest, AFirstLossOfZeroHasNothingToCompareWith) {
  Progress progress;
  progress.observe(0, 0);
  EXPECT_FALSE(progress.lost());
}

TEST(ProgressTest, TheFirstKnownLossIsTheYardstickWhereStepZeroIsUnknown) {
  auto records = series(100, constant(1), constant(1), {});
  records[0].forward_fired = true;
  records[0].loss = 1e6;
  EXPECT_EQ(run(records).verdict.progress_lost, 0);
}

TEST(RunVerdictTest, VerdictsAreOrdered) {
  const std::vector<std::string> order = {"none", "recovered", "open", "plateau", "collapsed", "diverged"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) EXPECT_EQ(worse_verdict(order[i], order[j]), order[std::max(i, j)]);
  }
  EXPECT_THROW(worse_verdict("fine", "none"), UserError);
}

TEST(RunVerdictTest, LosingMoreThanHalfOfTheProgressIsACollapse) {
  const auto relapsing = [](double back_to) {
    return [back_to](std::int64_t t) { return t < 300 ? falling(t) : back_to; };
  };
  // l_0 - l_best = 2.2 (1 - e^-6), so half of it is lost at about 0.1 + 1.1.
  EXPECT_EQ(run(series(400, constant(1), relapsing(1.15), {})).verdict.verdict, "none");
  EXPECT_EQ(run(series(400, constant(1), relapsing(1.30), {})).verdict.verdict, "collapsed");
}

TEST(RunVerdictTest, ARunWithASpikeThatNeverLearnedIsAPlateauAtBest) {
  // Killed at step 0: the loss stays at ln 10, the level of its only spike, so the episode itself looks recovered.
  const auto dies = [](std::int64_t t) { return t == 0 ? 1.0 : 0.01; };
  const auto result = run(series(300, dies, constant(std::log(10)), {0}));
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.verdict.verdict, "plateau");
}

TEST(RunVerdictTest, NotLearningWithoutASpikeIsNotHeldAgainstTheRun) {
  EXPECT_EQ(run(series(300, constant(1), constant(std::log(10)), {})).verdict.verdict, "none");
}

TEST(RunVerdictTest, AHealthyRunWithAForgivenSpikeIsRecovered) {
  EXPECT_EQ(run(series(300, constant(1), falling, {100})).verdict.verdict, "recovered");
}

TEST(RunVerdictTest, AYoungEpisodeInBandDoesNotCountWhereTheRunEnds) {
  const auto cut = run(series(300, constant(1), falling, {100, 295}));
  ASSERT_EQ(cut.spikes.size(), 2u);
  EXPECT_EQ(cut.spikes[1].verdict, "open");
  EXPECT_EQ(cut.verdict.verdict, "recovered");
  EXPECT_EQ(cut.verdict.episodes, 2);
  const auto last_step = run(series(300, constant(1), falling, {299}));
  EXPECT_EQ(last_step.verdict.verdict, "none");
}

TEST(RunVerdictTest, AYoungEpisodeOutOfBandCounts) {
  const auto jumps = [](std::int64_t t) { return t > 295 ? 50.0 : 1.0; };
  const auto result = run(series(300, jumps, falling, {295}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.verdict.verdict, "open");
}

TEST(RunVerdictTest, AnEpisodeOlderThanTheHoldCountsWhereTheRunEnds) {
  // Out of band for 20 steps, then back for 5: in band at the end, but not young.
  const auto jumps = [](std::int64_t t) { return t > 270 && t <= 285 ? 50.0 : 1.0; };
  const auto result = run(series(300, jumps, falling, {270}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "open");
  EXPECT_EQ(result.verdict.verdict, "open");
}

TEST(RunVerdictTest, ARunStoppedAsNonFiniteDivergedEvenWithoutASpike) {
  EXPECT_EQ(run(series(30, constant(1), constant(1), {}), {}, true).verdict.verdict, "diverged");
}

TEST(RunVerdictTest, CanBeAskedForWhileTheRunGoesOn) {
  Monitor monitor(shadow_only(), {});
  const auto jumps = [](std::int64_t t) { return t > 100 ? 50.0 : 1.0; };
  const auto halts = [](std::int64_t t) { return falling(std::min<std::int64_t>(t, 60)); };
  const auto records = series(300, jumps, halts, {100});
  for (const StepRecord& record : records) {
    monitor.observe(record);
    if (record.step == 99) {
      EXPECT_EQ(monitor.verdict().verdict, "none");
    }
    if (record.step == 150) {
      EXPECT_EQ(monitor.verdict().verdict, "open");
    }
  }
  EXPECT_EQ(monitor.verdict().spikes, 1);
}

}  // namespace
}  // namespace gradquake::monitor::test
