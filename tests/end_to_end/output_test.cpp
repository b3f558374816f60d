// What goes where: results to standard output, progress and logs to standard error.
#include <gtest/gtest.h>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class OutputTest : public testing::Test {
 protected:
  void expect_has(const std::string& text, const std::vector<std::string>& parts) const {
    for (const std::string& part : parts) EXPECT_TRUE(contains(text, part)) << part << " is missing in:\n" << text;
  }
  Result train(const Arguments& overrides, Process::Errors errors) const {
    return Process(Workspace::train("run", overrides), workspace_.path(), errors).wait();
  }

  Workspace workspace_;
};

TEST_F(OutputTest, TableOfSpikesConditionsVerdictAndAccuracyEndsARun) {
  const Result result = workspace_.run(Workspace::train("run"));
  EXPECT_EQ(result.status, 0);
  expect_has(result.out,
             {"Spikes", "step", "cause", "forward-burst forward layers.", "backward-burst backward layers.1",
              "steps to recover", "Conditions", "threshold", "Verdict: ", "accuracy", "runs/run"});
  expect_has(result.err, {"step 40: spike", "by forward-burst forward layers."});
  EXPECT_FALSE(contains(result.err, "\r")) << "no progress line without a terminal";
}

TEST_F(OutputTest, KindsListsEveryGroupWithItsKindsAndOneKindWithItsKeys) {
  expect_has(workspace_.run({"kinds"}).out,
             {"data\n", "digits", "model\n", "mlp", "optimizer\n", "adamw", "amplitude\n"});
  const Result one = workspace_.run({"kinds", "schedule", "budget"});
  EXPECT_EQ(one.status, 0);
  expect_has(one.out, {"budget: ", "count", "required", "one of even, random", "even", "amplitude"});
  EXPECT_FALSE(contains(one.out, "interval"));
  const Json all = Json::parse(workspace_.run({"kinds", "--json"}).out);
  EXPECT_TRUE(all.is_array());
  EXPECT_EQ(Json::parse(workspace_.run({"kinds", "optimizer", "--json"}).out).at("kinds").at(0).at("name"), "sgd");
}

TEST_F(OutputTest, TheKeyTablesOfTheConfigsReadmeAreThoseOfTheProgram) {
  const std::string readme = read_file(fs::path(GRADQUAKE_SOURCE_DIR) / "configs" / "README.md");
  EXPECT_TRUE(contains(readme, workspace_.run({"kinds", "--markdown"}).out)) << "run scripts/kinds_table";
}

TEST_F(OutputTest, ALogHasALineForEachTenthOfTheRunAndOneForEachEpisodeThatOpens) {
  const Result result = workspace_.run(Workspace::train("run"));
  std::size_t tenths = 0, openings = 0;
  for (const std::string& line : lines_of(result.err)) {
    tenths += contains(line, " %  step ") ? 1 : 0;
    openings += contains(line, ": spike, ") ? 1 : 0;
  }
  EXPECT_EQ(tenths, 10U) << result.err;
  expect_has(result.err, {" 10 %  step 30/300  loss ", "100 %  step 300/300  loss "});
  const Json summary = Json::parse(read_file(workspace_.run_path("run") / "summary.json"));
  EXPECT_EQ(openings, summary.at("episodes").get<std::size_t>()) << result.err;
}

TEST_F(OutputTest, ProgressLineAppearsOnATerminalOnly) {
  const Result result = train({"run.steps=600"}, Process::Errors::kTerminal);
  EXPECT_EQ(result.status, 0) << result.err;
  expect_has(result.err, {"\r", "/600", "steps/s", "loss", "grad norm", "spikes", "left"});
  EXPECT_FALSE(contains(result.err, ": spike, ")) << "one line, written over";
  EXPECT_FALSE(contains(result.out, "\r"));
  EXPECT_TRUE(contains(result.out, "Verdict: "));
}

TEST_F(OutputTest, JsonOfTrainIsTheSummaryAlone) {
  const Result result = workspace_.run(Workspace::train("run", {"--json"}));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, read_file(workspace_.run_path("run") / "summary.json"));
  EXPECT_TRUE(Json::parse(result.out).is_object());
}

TEST_F(OutputTest, JsonOfResumeIsTheSummaryAlone) {
  workspace_.trained("run");
  const Result longer = workspace_.run({"resume", "runs/run", "run.steps=350", "--json"});
  EXPECT_EQ(longer.out, read_file(workspace_.run_path("run") / "summary.json"));
  const Result finished = workspace_.run({"resume", "runs/run", "--json"});
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(finished.out, longer.out) << "a finished run's summary is still its result";
}

TEST_F(OutputTest, PlanShowsSitesShapesRulesAndFirstFirings) {
  const std::vector<std::string> before = tree(workspace_.path());
  const Result result = workspace_.run({"plan", "small.yaml"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  expect_has(result.out,
             {"300 steps", "layers.0", "[32, 32]", "layers.2", "[32, 10]", "float32", "forward-burst", "gaussian",
              "layers.0, layers.1", "every 40 steps", "40, 80, 120", "backward-burst", "rademacher", "55, 110, 165"});
  EXPECT_EQ(tree(workspace_.path()), before) << "a plan writes nothing";
}

TEST_F(OutputTest, JsonOfPlanIsOneDocument) {
  const Result result =
      workspace_.run({"plan", "small.yaml", "--json", "perturbations.0.schedule={kind: once, step: 7}"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  const Json plan = Json::parse(result.out);
  EXPECT_EQ(plan.at("steps"), 300);
  ASSERT_EQ(plan.at("sites").size(), 3U);
  EXPECT_EQ(plan.at("sites")[1].at("name"), "layers.1");
  EXPECT_EQ(plan.at("sites")[1].at("shape"), (Json{32, 32}));
  ASSERT_EQ(plan.at("rules").size(), 2U);
  EXPECT_EQ(plan.at("rules")[0].at("label"), "forward-burst");
  EXPECT_EQ(plan.at("rules")[0].at("sites"), (Json{"layers.0", "layers.1"}));
  EXPECT_EQ(plan.at("rules")[0].at("first_firings"), Json{7});
  EXPECT_EQ(plan.at("rules")[1].at("direction"), "backward");
  EXPECT_EQ(tree(workspace_.path()), std::vector<std::string>{"small.yaml"});
}

TEST_F(OutputTest, PlanThatNeverFiresSaysSo) {
  const Result result = workspace_.run(
      {"plan", "small.yaml", "perturbations.0.schedule={kind: once, step: 300}", "perturbations.0.may_be_idle=true"});
  expect_has(result.out, {"no step of this run", "idle"});
  expect_has(workspace_.run({"plan", "small.yaml", "perturbations=[]"}).out, {"no rules"});
}

TEST_F(OutputTest, HelpShowsANewcomerWhatToType) {
  const Result result = workspace_.run({"--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  expect_has(result.out, {"train", "plan", "resume", "--verbose", "gradquake train configs/digits_mlp.yaml"});
  expect_has(workspace_.run({"train", "--help"}).out,
             {"gradquake train configs/digits_mlp.yaml", "run.seed=2", "perturbations=[]", "--overwrite", "--json"});
  expect_has(workspace_.run({"plan", "--help"}).out, {"gradquake plan configs/digits_mlp.yaml", "--json"});
  expect_has(workspace_.run({"resume", "--help"}).out, {"gradquake resume runs/digits-mlp", "run.steps=", "--json"});
}

TEST_F(OutputTest, VersionIsOneLine) {
  const Result result = workspace_.run({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out.rfind("gradquake ", 0), 0U);
  EXPECT_EQ(lines_of(result.out).size(), 1U);
}

}  // namespace
}  // namespace gradquake::end_to_end
