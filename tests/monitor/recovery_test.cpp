// Whether and when a spike is over.
#include <gtest/gtest.h>

#include <cmath>

#include "series.h"

namespace gradquake::monitor::test {
namespace {

const double kLn10 = std::log(10.0);

TEST(RecoveryTest, ASpikeWithoutEffectRecoversInNoStepsAfterTheHold) {
  const auto result = run(series(100, constant(1), constant(1), {50}));
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.spikes[0].observed_recovery_steps, 0);
  EXPECT_EQ(result.spikes[0].gradient_recovery_steps, 0);
  EXPECT_EQ(result.decided_at[0], 60);  // steps 51 to 60 are the ten in band
}

TEST(RecoveryTest, StepsToRecoverFollowTheHandRecursion) {
  // Norm 10 for five steps after the spike, then 1 again. e leaves the band [0, 1.5] and falls back by a factor 0.7 a
  // step.
  const auto norm = [](std::int64_t t) { return t > 50 && t <= 55 ? 10.0 : 1.0; };
  double e = 1;
  std::int64_t back = 0;
  for (std::int64_t t = 51; back == 0; ++t) {
    e = 0.7 * e + 0.3 * norm(t);
    if (e <= 1.5) back = t;
  }
  ASSERT_EQ(back, 63);
  const auto result = run(series(100, norm, constant(1), {50}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.spikes[0].observed_recovery_steps, 13);
  EXPECT_EQ(result.spikes[0].gradient_recovery_steps, 13);
  EXPECT_EQ(result.decided_at[0], 72);
}

TEST(RecoveryTest, TheLossBandHoldsARecoveryBack) {
  // The gradient never leaves its band, the loss triples for 30 steps.
  const auto loss = [](std::int64_t t) { return t > 50 && t <= 80 ? 3.0 : 1.0; };
  const auto result = run(series(150, constant(1), loss, {50}));
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.spikes[0].gradient_recovery_steps, 0);
  // l - 1 = 2 (1 - 0.7^30) falls below 0.5 after 4 steps: 2 * 0.7^4 = 0.48.
  EXPECT_EQ(result.spikes[0].observed_recovery_steps, 34);
}

TEST(RecoveryTest, AGrowingNormIsNoHarmWhileTheLossFalls) {
  const auto norm = [](std::int64_t t) { return t <= 50 ? 1.0 : 3.0; };
  const auto loss = [](std::int64_t t) { return t <= 50 ? 2.0 : 1.0; };
  const auto result = run(series(150, norm, loss, {50}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_LE(result.spikes[0].observed_recovery_steps.value(), 3);
  EXPECT_FALSE(result.spikes[0].gradient_recovery_steps);  // by the gradient band alone it is not over
}

TEST(RecoveryTest, ADeadNetworkWithASmallGradientHasNotRecovered) {
  const auto norm = [](std::int64_t t) { return t <= 100 ? 1.0 : 0.01; };
  const auto loss = [](std::int64_t t) { return t <= 100 ? 0.3 : kLn10; };
  const auto result = run(series(600, norm, loss, {100}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "plateau");
  EXPECT_EQ(result.spikes[0].gradient_recovery_steps, 0);  // the norm alone calls it recovered at once
  EXPECT_FALSE(result.spikes[0].observed_recovery_steps);
}

TEST(RecoveryTest, ATrainedNetworkThatDiesCollapses) {
  const auto norm = [](std::int64_t t) { return t <= 300 ? 1.0 : 0.01; };
  const auto loss = [](std::int64_t t) { return t <= 300 ? kLn10 * std::exp(-static_cast<double>(t) / 80) : kLn10; };
  EXPECT_EQ(run(series(900, norm, loss, {300}), shadow_only()).verdict.verdict, "collapsed");
}

TEST(RecoveryTest, ASpikeAtStepZeroHasALevel) {
  const auto norm = [](std::int64_t t) { return t >= 1 && t <= 5 ? 10.0 : 2.0; };
  const auto result = run(series(60, norm, constant(1), {0}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].detector, "shadow");
  EXPECT_EQ(result.spikes[0].level, 2);
  EXPECT_EQ(result.spikes[0].loss_level, 1);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_GT(result.spikes[0].observed_recovery_steps.value(), 5);
}

TEST(RecoveryTest, ASpikeAtStepZeroOfWhichNothingIsKnownStaysOpen) {
  auto records = series(100, constant(1), constant(1), {});
  records[0] = unseen(shaken(0, 1, 1, kInf));
  records[0].forward_fired = true;
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].detector, "nonfinite");
  EXPECT_FALSE(result.spikes[0].level);
  EXPECT_FALSE(result.spikes[0].loss_level);
  EXPECT_EQ(result.spikes[0].verdict, "open");
}

TEST(RecoveryTest, TheLevelIsTheMedianUpToAndIncludingTheSpike) {
  // Known norms 11, 12, ..., 30 at steps 11 to 30: the last twenty, the spike's own among them.
  const auto norm = [](std::int64_t t) { return static_cast<double>(t); };
  const auto result = run(series(60, norm, constant(1), {30}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].level, 20.5);
}

TEST(RecoveryTest, TheBandWidensWithTheNoiseBeforeTheSpike) {
  // Norms 0.5, 1.5, 0.5, ...: median 1, MAD 0.5, so the band reaches 1 + 4.45 * 0.5 = 3.2 instead of 1.5.
  const auto steady = [](std::int64_t t) { return t > 50 ? 3.0 : 1.0; };
  const auto noisy = [](std::int64_t t) { return t > 50 ? 3.0 : t % 2 == 0 ? 0.5 : 1.5; };
  EXPECT_FALSE(run(series(100, steady, constant(1), {50}), shadow_only()).spikes[0].observed_recovery_steps);
  EXPECT_EQ(run(series(100, noisy, constant(1), {50}), shadow_only()).spikes[0].observed_recovery_steps, 0);
}

TEST(RecoveryTest, AMadOfZeroLeavesTheFactorAlone) {
  // The EWMA of a norm of 1.49 stays inside the factor 1.5, that of 1.51 does not.
  const auto to = [](double after) { return [after](std::int64_t t) { return t > 50 ? after : 1.0; }; };
  EXPECT_EQ(run(series(150, to(1.49), constant(1), {50}), shadow_only()).spikes[0].verdict, "recovered");
  EXPECT_EQ(run(series(150, to(1.60), constant(1), {50}), shadow_only()).spikes[0].verdict, "open");
}

TEST(RecoveryTest, ASecondSpikeJoinsTheOpenEpisodeAndMovesTheCount) {
  const auto norm = [](std::int64_t t) { return t > 50 && t <= 70 ? 10.0 : 1.0; };
  const auto one = run(series(150, norm, constant(1), {50}), shadow_only());
  const auto two = run(series(150, norm, constant(1), {50, 65}), shadow_only());
  ASSERT_EQ(one.spikes.size(), 1u);
  ASSERT_EQ(two.spikes.size(), 2u);
  EXPECT_EQ(two.verdict.episodes, 1);
  EXPECT_EQ(two.spikes[1].level, two.spikes[0].level);
  EXPECT_EQ(two.decided_at, (std::vector<std::int64_t>{one.decided_at[0], one.decided_at[0]}));
  const auto alone = one.spikes[0].observed_recovery_steps.value();
  for (const SpikeRecord& spike : two.spikes) EXPECT_EQ(spike.observed_recovery_steps, alone - 15);
}

TEST(RecoveryTest, ASpikeDuringTheHoldDoesNotRestartIt) {
  const auto result = run(series(100, constant(1), constant(1), {50, 55}));
  ASSERT_EQ(result.spikes.size(), 2u);
  EXPECT_EQ(result.decided_at, (std::vector<std::int64_t>{60, 60}));
  EXPECT_EQ(result.spikes[1].observed_recovery_steps, 0);
}

TEST(RecoveryTest, TheStepThatClosesAnEpisodeMayOpenTheNext) {
  const auto result = run(series(100, constant(1), constant(1), {50, 60}));
  ASSERT_EQ(result.spikes.size(), 2u);
  EXPECT_EQ(result.verdict.episodes, 2);
  EXPECT_EQ(result.spikes[0].episode, 0);
  EXPECT_EQ(result.spikes[1].episode, 1);
  EXPECT_EQ(result.decided_at, (std::vector<std::int64_t>{60, 70}));
}

TEST(RecoveryTest, RulesThatFireAtEveryStepStillGetVerdicts) {
  std::vector<std::int64_t> all(200);
  for (std::size_t t = 0; t < all.size(); ++t) all[t] = static_cast<std::int64_t>(t);
  const auto result = run(series(
      200, constant(1), [](std::int64_t t) { return 2 / (1 + 0.1 * static_cast<double>(t)); }, all));
  EXPECT_EQ(result.spikes.size(), 200u);
  EXPECT_EQ(result.verdict.episodes, 20);  // opened at 0, 10, 20, ...: each closes after its hold
  for (std::size_t i = 0; i < 190; ++i) EXPECT_EQ(result.spikes[i].observed_recovery_steps, 0);
  EXPECT_EQ(result.verdict.verdict, "recovered");
}

TEST(RecoveryTest, RulesThatFireAtEveryStepUnseenLeaveTheSpikeOpen) {
  auto records = series(200, constant(1), constant(1), {});
  for (std::size_t t = 50; t < records.size(); ++t) records[t] = unseen(shaken(static_cast<std::int64_t>(t), 1, 1, 9));
  const auto result = run(records);
  ASSERT_FALSE(result.spikes.empty());
  EXPECT_EQ(result.spikes[0].step, 50);
  for (const SpikeRecord& spike : result.spikes) EXPECT_EQ(spike.verdict, "open");
  EXPECT_EQ(result.verdict.episodes, 1);
}

TEST(RecoveryTest, UnknownStepsNeitherCountNorBreakTheRow) {
  auto records = series(100, constant(1), constant(1), {50});
  for (const std::size_t t : {53u, 55u, 57u}) records[t] = unseen(shaken(static_cast<std::int64_t>(t), 1, 1, 0.1));
  const auto result = run(records, shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.decided_at[0], 63);
  EXPECT_EQ(result.spikes[0].observed_recovery_steps, 0);
}

TEST(RecoveryTest, NonFiniteValuesNeitherCountNorBreakTheRow) {
  auto records = series(100, constant(1), constant(1), {50});
  records[55].grad_norm = kNaN;  // a skipped step: a spike of its own that joins
  records[55].finite = false;
  const auto result = run(records, shadow_only());
  ASSERT_EQ(result.spikes.size(), 2u);
  EXPECT_EQ(result.decided_at[0], 61);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.spikes[1].detector, "nonfinite");
}

TEST(RecoveryTest, ASlowShadowIsJudgedAtItsOwnPace) {
  // Rules at every step, a shadow at every tenth: ten known values take a hundred steps.
  auto records = series(300, constant(1), constant(1), {});
  for (std::size_t t = 0; t < records.size(); ++t) {
    records[t] = shaken(static_cast<std::int64_t>(t), 1, 1, t == 100 ? 3 : 0.1);
    if (t % 10 != 0) records[t] = unseen(records[t]);
  }
  const auto result = run(records, shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.decided_at[0], 200);
  EXPECT_EQ(result.spikes[0].observed_recovery_steps, 0);
}

TEST(RecoveryTest, APerturbedLossMayExplodeWhileTheWeightsRecover) {
  auto records = series(100, constant(1), constant(1), {50});
  for (std::size_t t = 50; t < 80; ++t) {
    records[t] = shaken(static_cast<std::int64_t>(t), 1, 1, t == 50 ? 3 : 0.1);
    records[t].forward_fired = true;
    records[t].loss = 1e6;
  }
  const auto result = run(records, shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.spikes[0].observed_recovery_steps, 0);
}

TEST(RecoveryTest, APlateauIsLevelAndOutOfBand) {
  const auto norm = [](std::int64_t t) { return t > 50 ? 5.0 : 1.0; };
  const auto loss = [](std::int64_t t) { return t > 50 ? 4.0 : 1.0; };
  const auto result = run(series(600, norm, loss, {50}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "plateau");
  EXPECT_GE(result.decided_at[0], 250);  // steps 51 to 250 are the first two hundred out of band
  EXPECT_LE(result.decided_at[0], 260);
}

TEST(RecoveryTest, ASlowReturnIsNoPlateau) {
  // Loss and norm fall by 0.2 % a step, a third over 200 steps, and reach the band after about 600.
  const auto norm = [](std::int64_t t) {
    return t > 50 ? 1 + 4 * std::exp(-0.0035 * static_cast<double>(t - 50)) : 1.0;
  };
  const auto result = run(series(1200, norm, norm, {50}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_NEAR(static_cast<double>(result.spikes[0].observed_recovery_steps.value()), std::log(8) / 0.0035, 5);
}

TEST(RecoveryTest, ALossThatStillFallsIsNoPlateauHoweverLevelTheNorm) {
  const auto norm = [](std::int64_t t) { return t > 50 ? 5.0 : 1.0; };
  const auto loss = [](std::int64_t t) { return t > 50 ? 20 * std::exp(-0.001 * static_cast<double>(t)) : 4.0; };
  const auto result = run(series(600, norm, loss, {50}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "open");
}

TEST(RecoveryTest, ALossFarAboveTheFirstDiverges) {
  const auto loss = [](std::int64_t t) { return t > 50 ? 11.0 : 1.0; };
  const auto result = run(series(100, constant(1), loss, {50}));
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "diverged");
  EXPECT_EQ(result.decided_at[0], 60);
  EXPECT_EQ(result.verdict.verdict, "diverged");
}

TEST(RecoveryTest, AShortExcursionOfTheLossIsNoDivergence) {
  const auto loss = [](std::int64_t t) { return t > 50 && t < 60 ? 11.0 : 1.0; };  // nine steps, one short of the hold
  EXPECT_EQ(run(series(150, constant(1), loss, {50})).spikes[0].verdict, "recovered");
}

TEST(RecoveryTest, NonFiniteWeightsDiverge) {
  auto records = series(60, constant(1), constant(1), {50});
  records[51].weights_finite = false;
  records[51].grad_norm = kNaN;
  records[51].loss = kNaN;
  records.resize(52);
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 2u);
  EXPECT_EQ(result.decided_at[0], 51);
  for (const SpikeRecord& spike : result.spikes) EXPECT_EQ(spike.verdict, "diverged");
  EXPECT_EQ(result.verdict.verdict, "diverged");
}

TEST(RecoveryTest, NonFiniteWeightsDivergeWithoutALevelToo) {
  auto records = series(3, constant(1), constant(1), {});
  records[0] = unseen(shaken(0, 1, 1, kInf));
  records[0].forward_fired = true;
  records[1].weights_finite = false;
  const auto result = run(records);
  ASSERT_FALSE(result.spikes.empty());
  EXPECT_FALSE(result.spikes[0].level);
  EXPECT_EQ(result.spikes[0].verdict, "diverged");
}

TEST(RecoveryTest, ARunStoppedAsNonFiniteDivergesWhateverIsOpen) {
  auto records = series(51, constant(1), constant(1), {48});
  records[50].grad_norm = kInf;
  const auto result = run(records, {}, true);
  ASSERT_EQ(result.spikes.size(), 2u);
  for (const SpikeRecord& spike : result.spikes) EXPECT_EQ(spike.verdict, "diverged");
}

TEST(RecoveryTest, ASkippedNonFiniteStepIsForgiven) {
  const auto falls = [](std::int64_t t) { return 2 * std::exp(-static_cast<double>(t) / 50) + 0.1; };
  auto records = series(100, constant(1), falls, {});
  records[50].grad_norm = kNaN;
  records[50].finite = false;
  const auto result = run(records);
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "recovered");
  EXPECT_EQ(result.verdict.verdict, "recovered");
}

TEST(RecoveryTest, ARunThatEndsEarlyLeavesTheSpikeOpen) {
  const auto norm = [](std::int64_t t) { return t > 50 ? 5.0 : 1.0; };
  const auto result = run(series(80, norm, constant(1), {50}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 1u);
  EXPECT_EQ(result.spikes[0].verdict, "open");
  EXPECT_EQ(result.decided_at[0], 80);
  EXPECT_FALSE(result.spikes[0].observed_recovery_steps);
}

TEST(RecoveryTest, ASpikeAfterTheGradientCameBackStartsAGradientCountOfItsOwn) {
  // The loss keeps the episode open; the norm is hit twice, and both times it comes back.
  const auto norm = [](std::int64_t t) { return (t > 50 && t <= 53) || (t > 90 && t <= 96) ? 10.0 : 1.0; };
  const auto loss = [](std::int64_t t) { return t > 50 && t <= 130 ? 5.0 : 1.0; };
  const auto result = run(series(200, norm, loss, {50, 90}), shadow_only());
  ASSERT_EQ(result.spikes.size(), 2u);
  EXPECT_EQ(result.verdict.episodes, 1);
  // After k steps of norm 10, e - 1 = 9 (1 - 0.7^k) takes ceil(ln(18 (1 - 0.7^k)) / -ln 0.7) steps to fall below 0.5.
  EXPECT_EQ(result.spikes[0].gradient_recovery_steps, 3 + 7);
  EXPECT_EQ(result.spikes[1].gradient_recovery_steps, 6 + 8);
  EXPECT_GT(result.spikes[0].observed_recovery_steps.value(), 40);
}

TEST(RecoveryTest, ARunWhoseEveryStepWasSkippedAsNonFiniteIsDiverged) {
  std::vector<StepRecord> records;
  for (std::int64_t t = 0; t < 300; ++t) {
    StepRecord record = quiet(t, 1, 1);  // the shadow's values stay finite
    record.grad_norm = kInf;
    record.finite = false;
    records.push_back(record);
  }
  const auto skipped = run(records);
  EXPECT_EQ(skipped.verdict.verdict, "diverged");
  EXPECT_EQ(skipped.spikes.back().verdict, "diverged");
  records.front() = quiet(0, 1, 1);
  EXPECT_NE(run(records).verdict.verdict, "diverged") << "one update was made";
}

}  // namespace
}  // namespace gradquake::monitor::test
