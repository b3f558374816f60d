// The table at a run's end.
#include "gradquake/report/print.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace gradquake::report {
namespace {

SpikeRecord spike_at(std::int64_t step) {
  SpikeRecord spike;
  spike.step = step;
  spike.detector = "shadow";
  spike.grad_norm = 11;
  spike.clean_grad_norm = 2;
  spike.grad_error = 10.5;
  spike.layer = "layers.1";
  spike.causes = {{"late", "layers.2", "forward", 3, 0}};
  spike.verdict = "recovered";
  spike.observed_recovery_steps = 7;
  return spike;
}

std::string printed(const Summary& summary, const std::vector<SpikeRecord>& spikes) {
  std::ostringstream out;
  print_report(out, summary, spikes);
  return out.str();
}

TEST(PrintTest, ShowsSpikesConditionsAndVerdict) {
  Summary summary;
  summary.spikes = 2;
  summary.episodes = 2;
  summary.verdict = "open";
  summary.progress_lost = 0.034;
  summary.final_loss = 0.123456;
  summary.eval = EvaluationRecord{2000, 0.5, 0.9612};
  summary.conditions = {{"step_size", "Thm 3-5", "measured", 0.05, 0.0417, 0.834, false, "L of step 1024"},
                        {"rms(delta) T^(1/8)", "(43)", "printed", 1.25, std::nullopt, std::nullopt, std::nullopt, ""}};
  SpikeRecord natural = spike_at(1200);
  natural.detector = "robust";
  natural.score = 6.25;
  natural.clean_grad_norm.reset();
  natural.grad_error.reset();
  natural.layer.clear();
  natural.causes.clear();
  natural.verdict = "open";
  natural.observed_recovery_steps.reset();

  EXPECT_EQ(printed(summary, {spike_at(100), natural}),
            "Spikes\n"
            "  step  cause                  size       layer     verdict    steps to recover\n"
            "  100   late forward layers.2  5.2x       layers.1  recovered  7\n"
            "  1200  natural                score 6.2  -         open       -\n"
            "\n"
            "Conditions\n"
            "  name       equation  value  threshold  holds  note\n"
            "  step_size  Thm 3-5   0.05   0.0417     NO     L of step 1024\n"
            "  ... and 1 orders of magnitude that only a sweep over T decides\n"
            "\n"
            "Verdict: open (2 spikes in 2 episodes, 3.4 % of the progress lost)\n"
            "Final loss: 0.1235\n"
            "Evaluation: loss 0.5, accuracy 96.12 %\n");
}

TEST(PrintTest, ARunWithoutSpikesSaysSo) {
  EXPECT_EQ(printed({}, {}), "Spikes: none\n\nVerdict: none (0 spikes in 0 episodes)\n");
}

TEST(PrintTest, ALongListIsCutAndCounted) {
  std::vector<SpikeRecord> spikes;
  for (int i = 0; i < 30; ++i) spikes.push_back(spike_at(i));
  const auto text = printed({}, spikes);
  EXPECT_NE(text.find("\n  11 "), std::string::npos);
  EXPECT_EQ(text.find("\n  12 "), std::string::npos);
  EXPECT_NE(text.find("\n  ... and 18 more\n"), std::string::npos);
}

TEST(PrintTest, CausesBeforeTheStepAndBesideTheFirstAreMentioned) {
  SpikeRecord spike = spike_at(5);
  spike.causes = {{"a", "fc1", "backward", 1, 2}, {"b", "fc2", "forward", 1, 3}};
  EXPECT_NE(printed({}, {spike}).find("a backward fc1, 2 before (+1)"), std::string::npos);
}

TEST(PrintTest, ANonFiniteSpikeHasNoRatio) {
  SpikeRecord spike = spike_at(5);
  spike.detector = "nonfinite";
  EXPECT_NE(printed({}, {spike}).find("not finite"), std::string::npos);
}

TEST(PrintTest, AnEpisodeThatOpensIsOneLineOfTheLog) {
  SpikeRecord spike = spike_at(130);
  EXPECT_EQ(spike_text(spike), "step 130: spike, 5.2x, in layers.1, by late forward layers.2");
  spike.causes.clear();
  spike.layer.clear();
  spike.detector = "nonfinite";
  EXPECT_EQ(spike_text(spike), "step 130: spike, not finite, natural");
}

TEST(PrintTest, AnEpisodeThatClosesIsOneLineOfTheLog) {
  SpikeRecord spike = spike_at(130);
  spike.verdict = "plateau";
  EXPECT_EQ(episode_text({spike}), "step 130: plateau, the only spike in its episode");
  EXPECT_EQ(episode_text({spike, spike_at(131)}), "step 130: plateau, 2 spikes in its episode");
}

TEST(PrintTest, ASpikeThatNeverLeftTheBandIsShownApartFromOneThatRecovered) {
  SpikeRecord spike = spike_at(5);
  spike.observed_recovery_steps = 0;
  EXPECT_NE(printed({}, {spike}).find("recovered  never left\n"), std::string::npos) << printed({}, {spike});
}

TEST(PrintTest, NoNumberReadsMinusNan) {
  Summary summary;
  summary.final_loss = -std::numeric_limits<double>::quiet_NaN();
  summary.eval = EvaluationRecord{1, -std::numeric_limits<double>::quiet_NaN(), 0.5};
  SpikeRecord spike = spike_at(5);
  spike.grad_error = -std::numeric_limits<double>::quiet_NaN();
  const std::string text = printed(summary, {spike});
  EXPECT_EQ(text.find("-nan"), std::string::npos) << text;
  EXPECT_NE(text.find("Final loss: not a number"), std::string::npos) << text;
}

TEST(PrintTest, LosingMoreThanWasLearnedIsSaidInWords) {
  Summary summary;
  summary.progress_lost = 1.0477871658493169e17;
  EXPECT_NE(printed(summary, {}).find("more than all of the progress lost"), std::string::npos);
  summary.progress_lost = 0.97;
  EXPECT_NE(printed(summary, {}).find("97.0 % of the progress lost"), std::string::npos);
}

TEST(PrintTest, WarningsPointToTheirMessages) {
  Summary summary;
  summary.warnings = 2;
  EXPECT_NE(printed(summary, {}).find("Warnings: 2 (see summary.json)\n"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::report
