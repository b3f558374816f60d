// The content of summary.json.
#include "gradquake/report/summary.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace gradquake::report {
namespace {

Summary example() {
  Summary summary;
  summary.final_loss = 0.25;
  summary.eval = EvaluationRecord{2000, 0.5, 0.96};
  summary.spikes = 12;
  summary.episodes = 9;
  summary.verdict = "recovered";
  summary.progress_lost = 0.0125;
  summary.skipped_steps = 3;
  summary.warnings = 1;
  summary.conditions = {{"step size", "Thm 3-5", "measured", 0.05, 0.04, 0.8, false, "L of step 1024"},
                        {"rms delta", "Cor. 1", "printed", 0.5, std::nullopt, std::nullopt, std::nullopt, ""}};
  summary.predictions = {{"plateau", {std::nullopt, "Thm 5", "no PL constant"}}};
  summary.steps_per_second = 1500.5;
  summary.warning_messages = {"site_never_ran"};
  theory::Score local, plateau;
  local.compared = 2;
  local.covered = 1;
  local.coverage = 0.5;
  local.sharpness = 1.5;
  plateau.unobserved = 1;
  summary.score = {{{"local", local}}, {{"plateau", plateau}}};
  summary.findings = {{"step_size", "misprediction", "held"}};
  return summary;
}

TEST(SummaryTest, HoldsEveryFieldInOrder) {
  EXPECT_EQ(
      summary_json(example()).dump(),
      R"({"final_loss":0.25,"eval":{"loss":0.5,"accuracy":0.96},"spikes":12,"episodes":9,"verdict":"recovered",)"
      R"("progress_lost":0.0125,"warnings":1,"conditions":[)"
      R"({"name":"step size","equation":"Thm 3-5","variant":"measured","value":0.05,"threshold":0.04,)"
      R"("margin":0.8,"holds":false,"note":"L of step 1024"},)"
      R"({"name":"rms delta","equation":"Cor. 1","variant":"printed","value":0.5,"threshold":null,)"
      R"("margin":null,"holds":null,"note":null}],)"
      R"("predictions":{"plateau":{"value":null,"equation":"Thm 5","reason":"no PL constant"}},)"
      R"("steps_per_second":1500.5,"warning_messages":["site_never_ran"],"score":{"spikes":{"local":{"compared":2,)"
      R"("covered":1,"coverage":0.5,"sharpness":1.5,"noise_floor":0,"without_prediction":0,"unobserved":0}},)"
      R"("run":{"plateau":{"compared":0,"covered":0,"coverage":null,"sharpness":null,"noise_floor":0,)"
      R"("without_prediction":0,"unobserved":1}}},)"
      R"("findings":[{"condition":"step_size","kind":"misprediction","message":"held"}],"skipped_steps":3})");
}

TEST(SummaryTest, AnEmptyRunIsMostlyNull) {
  EXPECT_EQ(summary_json({}).dump(),
            R"({"final_loss":null,"eval":null,"spikes":0,"episodes":0,"verdict":"none","progress_lost":null,)"
            R"("warnings":0,"conditions":[],"predictions":{},"steps_per_second":null,)"
            R"("warning_messages":[],"score":{"spikes":{},"run":{}},"findings":[],"skipped_steps":0})");
}

TEST(SummaryTest, NonFiniteNumbersAreNull) {
  Summary summary;
  summary.final_loss = std::numeric_limits<double>::quiet_NaN();
  summary.eval = EvaluationRecord{1, std::numeric_limits<double>::infinity(), 0.1};
  const auto document = nlohmann::json::parse(summary_text(summary));
  EXPECT_TRUE(document.at("final_loss").is_null());
  EXPECT_TRUE(document.at("eval").at("loss").is_null());
}

TEST(SummaryTest, ASummaryThatIsReadAndWrittenAgainIsTheSame) {
  for (const Summary& summary : {example(), Summary{}}) {
    EXPECT_EQ(summary_text(summary_from_json(summary_json(summary))), summary_text(summary));
  }
}

TEST(SummaryTest, TheTextIsReadableAndEndsItsLastLine) {
  const auto text = summary_text(example());
  EXPECT_EQ(text.substr(0, 22), "{\n  \"final_loss\": 0.25");
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(nlohmann::ordered_json::parse(text), summary_json(example()));
}

}  // namespace
}  // namespace gradquake::report
