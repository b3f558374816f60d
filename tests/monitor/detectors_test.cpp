// Each detector on its own: which step is a spike, and in which layer it sits.
#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/core/error.h"
#include "gradquake/monitor/known.h"
#include "gradquake/monitor/layer_scores.h"
#include "gradquake/monitor/robust_detector.h"
#include "gradquake/monitor/shadow_detector.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

TEST(KnownTest, CleanValuesComeFromTheShadowOrFromAQuietStep) {
  EXPECT_EQ(known_norm(shaken(0, 2, 1, 5)), 2);
  EXPECT_EQ(known_loss(shaken(0, 2, 1, 5)), 1);
  EXPECT_EQ(known_norm(quiet(0, 2, 1)), 2);
  EXPECT_EQ(known_loss(quiet(0, 2, 1)), 1);
}

TEST(KnownTest, WithoutShadowABackwardRuleHidesTheNormOnly) {
  StepRecord record = unseen(shaken(0, 2, 1, 5));
  EXPECT_FALSE(known_norm(record));
  EXPECT_EQ(known_loss(record), 1);
  record.forward_fired = true;
  EXPECT_FALSE(known_loss(record));
}

TEST(KnownTest, NonFiniteValuesAreNotKnown) {
  EXPECT_FALSE(known_norm(quiet(0, kNaN, 1)));
  EXPECT_FALSE(known_loss(quiet(0, 1, kInf)));
  EXPECT_FALSE(known_norm(shaken(0, kInf, 1, 1)));
}

TEST(ShadowDetectorTest, TheErrorMustReachTheCleanNorm) {
  const ShadowDetector detector(SpikeConfig{});
  EXPECT_TRUE(detector.detects(shaken(0, 2, 1, 2.0)));
  EXPECT_FALSE(detector.detects(shaken(0, 2, 1, 1.999)));
}

TEST(ShadowDetectorTest, TheRatioScalesTheThreshold) {
  SpikeConfig config;
  config.shadow_ratio = 0.5;
  const ShadowDetector detector(config);
  EXPECT_TRUE(detector.detects(shaken(0, 2, 1, 1.0)));
  EXPECT_FALSE(detector.detects(shaken(0, 2, 1, 0.999)));
}

TEST(ShadowDetectorTest, AnEmptyWindowComparesWithTheCleanNormAlone) {
  const ShadowDetector detector(SpikeConfig{});
  EXPECT_TRUE(detector.detects(shaken(0, 1e-9, 1, 1e-9)));
}

TEST(ShadowDetectorTest, ATenthOfTheMedianIsTheFloor) {
  ShadowDetector detector(SpikeConfig{});
  for (const double norm : {1.0, 2.0, 30.0}) detector.enter(norm);
  EXPECT_FALSE(detector.detects(shaken(3, 1e-9, 1, 0.199)));
  EXPECT_TRUE(detector.detects(shaken(3, 1e-9, 1, 0.2)));
}

TEST(ShadowDetectorTest, NoErrorIsNoSpikeEvenWhereTheGradientVanishes) {
  ShadowDetector detector(SpikeConfig{});
  EXPECT_FALSE(detector.detects(shaken(0, 0, 1, 0)));
  EXPECT_TRUE(detector.detects(shaken(0, 0, 1, 1e-300)));
}

TEST(ShadowDetectorTest, WithoutAShadowOrWithANonFiniteOneItIsSilent) {
  const ShadowDetector detector(SpikeConfig{});
  EXPECT_FALSE(detector.detects(quiet(0, 100, 1)));
  EXPECT_FALSE(detector.detects(shaken(0, kNaN, 1, 5)));
  EXPECT_FALSE(detector.detects(shaken(0, kInf, 1, kInf)));
  EXPECT_FALSE(detector.detects(shaken(0, 1, 1, kNaN)));
}

RobustDetector warm(std::vector<double> norms) {
  SpikeConfig config;
  config.warmup = static_cast<int>(norms.size());
  RobustDetector detector(config);
  for (const double norm : norms) detector.enter(norm);
  return detector;
}

TEST(RobustDetectorTest, ScoresTheLogarithmAgainstMedianAndMad) {
  const auto detector = warm({std::exp(1.0), std::exp(2.0), std::exp(3.0), std::exp(4.0), std::exp(5.0)});
  EXPECT_NEAR(detector.score(std::exp(7.0)).value(), (7 - 3) / 1.4826, 1e-12);
  EXPECT_NEAR(detector.score(std::exp(0.0)).value(), (0 - 3) / 1.4826, 1e-12);  // downward: a score, never a spike
}

TEST(RobustDetectorTest, AMadOfZeroCountsAsTwoPercent) {
  const auto detector = warm(std::vector<double>(20, 3.0));
  EXPECT_NEAR(detector.score(3 * 1.1).value(), std::log(1.1) / (1.4826 * 0.02), 1e-12);
  EXPECT_EQ(detector.score(3.0), 0.0);
}

TEST(RobustDetectorTest, SaysNothingBeforeItsWarmup) {
  RobustDetector detector(SpikeConfig{});
  for (int i = 0; i < 19; ++i) detector.enter(1);
  EXPECT_FALSE(detector.score(1000));
  detector.enter(1);
  EXPECT_TRUE(detector.score(1000));
}

TEST(RobustDetectorTest, AWarmupLongerThanTheWindowStillEnds) {
  SpikeConfig config;
  config.window = 5;
  config.warmup = 8;
  RobustDetector detector(config);
  for (int i = 0; i < 8; ++i) detector.enter(1);
  EXPECT_TRUE(detector.score(2));
}

TEST(RobustDetectorTest, AGradientOfZeroHasNoScoreAndDoesNotEnter) {
  RobustDetector detector(SpikeConfig{});
  for (int i = 0; i < 20; ++i) detector.enter(0);
  EXPECT_FALSE(detector.score(1));  // nothing entered
  for (int i = 0; i < 20; ++i) detector.enter(1);
  EXPECT_FALSE(detector.score(0));
}

TEST(RobustDetectorTest, OneNaNOrHugeValueDoesNotPoisonTheWindow) {
  RobustDetector clean = warm(std::vector<double>(20, 1.0));
  RobustDetector dirty = clean;
  for (const double bad : {kNaN, kInf, -1.0}) dirty.enter(bad);
  EXPECT_EQ(dirty.score(2), clean.score(2));
  dirty.enter(1e9);
  EXPECT_NEAR(dirty.score(2).value(), clean.score(2).value(), 1e-12);
}

TEST(RobustDetectorTest, ASpikeDoesNotMaskTheNextOne) {
  RobustDetector detector = warm(std::vector<double>(20, 1.0));
  const double first = detector.score(50).value();
  detector.enter(50);
  EXPECT_EQ(detector.score(50).value(), first);
}

TEST(LayerScoresTest, TheLargestRelativeErrorWins) {
  const LayerScores layers(SpikeConfig{}, {"fc1", "fc2", "fc3"});
  EXPECT_EQ(layers.worst({{9, 9, 9}, {1, 4, 100}, {2, 9, 150}}), "fc2");  // 2, 2.25, 1.5
}

TEST(LayerScoresTest, AVanishingCleanGradientIsTheWorstAndNothingOverNothingIsNot) {
  const LayerScores layers(SpikeConfig{}, {"fc1", "fc2", "fc3"});
  EXPECT_EQ(layers.worst({{9, 9, 9}, {0, 1, 0}, {0, 90, 1e-9}}), "fc3");
}

TEST(LayerScoresTest, WithoutAShadowTheLargestRobustScoreOfItsOwnNormWins) {
  SpikeConfig config;
  config.warmup = 3;
  LayerScores layers(config, {"fc1", "fc2"});
  for (int i = 0; i < 3; ++i) layers.enter({{100, 1}, {}, {}});
  EXPECT_EQ(layers.worst({{150, 2}, {}, {}}), "fc2");
  EXPECT_EQ(layers.worst({{300, 2}, {}, {}}), "fc1");
}

TEST(LayerScoresTest, ANaturalSpikeBesideAQuietShadowGoesByTheScores) {
  SpikeConfig config;
  config.warmup = 3;
  LayerScores layers(config, {"fc1", "fc2"});
  for (int i = 0; i < 3; ++i) layers.enter({{100, 1}, {100, 1}, {0, 0}});
  EXPECT_EQ(layers.worst({{300, 2}, {300, 2}, {0, 0}}), "fc1");
}

TEST(LayerScoresTest, NoNormsNameNoLayer) {
  const LayerScores layers(SpikeConfig{}, {"fc1", "fc2"});
  EXPECT_EQ(layers.worst({}), "");
  EXPECT_EQ(layers.worst({{5, 6}, {}, {}}), "");  // still warming up
}

TEST(LayerScoresTest, AListOfTheWrongLengthIsRefused) {
  LayerScores layers(SpikeConfig{}, {"fc1", "fc2"});
  EXPECT_THROW(layers.enter({{1, 2, 3}, {}, {}}), UserError);
}

}  // namespace
}  // namespace gradquake::monitor::test
