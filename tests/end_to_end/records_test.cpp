// The record files that scripts rely on: their fields in order, and how they fit together.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

class RecordsTest : public testing::Test {
 protected:
  void expect_keys(const fs::path& file, const Keys& keys) const {
    const std::vector<Json> lines = read_lines(file);
    ASSERT_FALSE(lines.empty()) << file;
    for (const Json& line : lines) ASSERT_EQ(keys_of(line), keys) << file;
  }

  Workspace workspace_;
};

TEST_F(RecordsTest, FieldsAreThosePromisedInOrder) {
  const fs::path run = workspace_.trained("run");
  expect_keys(run / "steps.jsonl", {"step", "epoch", "loss", "learning_rate", "grad_norm", "clean_loss",
                                    "clean_grad_norm", "grad_error", "finite", "spike", "injections"});
  expect_keys(run / "spikes.jsonl", {"step", "detector", "score", "grad_norm", "clean_grad_norm", "grad_error", "layer",
                                     "causes", "level", "loss_level", "curvature", "predicted", "predicted_displaced",
                                     "observed_recovery_steps", "gradient_recovery_steps", "verdict", "episode"});
  expect_keys(run / "ledger.jsonl",
              {"step", "rule", "site", "direction", "occurrence", "elements", "norm", "relative_norm"});
  expect_keys(run / "evaluations.jsonl", {"step", "loss", "accuracy"});
  expect_keys(run / "curvature.jsonl",
              {"step", "lambda_max", "lambda_min", "lambda_min_bound", "smoothness", "gamma_L", "products"});
  const Json spike = read_lines(run / "spikes.jsonl").front();
  EXPECT_EQ(keys_of(spike.at("causes").at(0)), (Keys{"rule", "site", "direction", "norm", "steps_ago"}));
}

TEST_F(RecordsTest, SummaryAndManifestHoldWhatIsPromised) {
  const fs::path run = workspace_.trained("run");
  const Json summary = read_json(run / "summary.json");
  const Keys promised{"final_loss",    "eval",     "spikes",     "episodes",    "verdict",
                      "progress_lost", "warnings", "conditions", "predictions", "steps_per_second"};
  const Keys keys = keys_of(summary);
  ASSERT_GE(keys.size(), promised.size());
  EXPECT_EQ(Keys(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(promised.size())), promised);
  EXPECT_EQ(keys_of(summary.at("eval")), (Keys{"loss", "accuracy"}));
  EXPECT_GT(summary.at("eval").at("accuracy"), 0.2);
  EXPECT_LE(summary.at("eval").at("accuracy"), 1.0);
  ASSERT_GE(summary.at("conditions").size(), 2U);
  for (const Json& condition : summary.at("conditions")) {
    for (const char* key : {"name", "equation", "variant", "value", "threshold", "margin", "holds"}) {
      EXPECT_TRUE(condition.contains(key)) << key;
    }
  }
  EXPECT_GT(summary.at("steps_per_second"), 0.0);

  const Json manifest = read_json(run / "manifest.json");
  for (const char* key : {"gradquake", "libtorch", "compiler", "processor"}) EXPECT_TRUE(manifest.at(key).is_string());
  EXPECT_EQ(manifest.at("seed"), 3);
  EXPECT_EQ(manifest.at("threads"), 1);
  EXPECT_EQ(manifest.at("device"), "cpu");
  EXPECT_EQ(fs::path(manifest.at("working_directory").get<std::string>()), fs::canonical(workspace_.path()));
  EXPECT_TRUE(manifest.at("git_revision").is_null() || manifest.at("git_revision").get<std::string>().size() == 40);
}

TEST_F(RecordsTest, FilesAgreeWithEachOther) {
  const fs::path run = workspace_.trained("run");
  const std::vector<Json> steps = read_lines(run / "steps.jsonl");
  const std::vector<Json> spikes = read_lines(run / "spikes.jsonl");
  std::map<std::int64_t, std::int64_t> injected;
  std::int64_t flagged = 0;
  for (const Json& line : read_lines(run / "ledger.jsonl")) ++injected[line.at("step")];
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].at("step"), i);
    EXPECT_EQ(steps[i].at("injections"), injected[static_cast<std::int64_t>(i)]);
    flagged += steps[i].at("spike").get<bool>();
  }
  EXPECT_EQ(injected[40], 2) << "one rule, two sites";
  EXPECT_EQ(injected[55], 1);
  EXPECT_EQ(injected[56], 0);
  for (const Json& spike : spikes) {
    const Json& step = steps[spike.at("step").get<std::size_t>()];
    EXPECT_TRUE(step.at("spike"));
    EXPECT_EQ(step.at("grad_norm"), spike.at("grad_norm"));
  }
  const Json summary = read_json(run / "summary.json");
  EXPECT_EQ(steps.size(), 300U);
  EXPECT_EQ(summary.at("spikes"), flagged);
  EXPECT_EQ(spikes.size(), static_cast<std::size_t>(flagged));
  EXPECT_EQ(summary.at("eval").at("accuracy"), read_lines(run / "evaluations.jsonl").back().at("accuracy"));
}

TEST_F(RecordsTest, EvaluationsComeAtTheirIntervalAndAtTheEndOnce) {
  for (const auto& [steps, expected] :
       std::map<int, std::vector<int>>{{300, {100, 200, 300}}, {250, {100, 200, 250}}}) {
    const std::string name = std::to_string(steps);
    std::vector<int> found;
    for (const Json& line : read_lines(workspace_.trained("run" + name, {"run.steps=" + name}) / "evaluations.jsonl")) {
      found.push_back(line.at("step"));
    }
    EXPECT_EQ(found, expected);
  }
}

TEST_F(RecordsTest, ShadowFillsItsStepsAndLeavesTheOthersNull) {
  const fs::path run = workspace_.trained("run", {"monitor.shadow.interval=5"});
  for (const Json& line : read_lines(run / "steps.jsonl")) {
    const std::int64_t step = line.at("step");
    SCOPED_TRACE(step);
    EXPECT_EQ(line.at("clean_loss").is_null(), step % 5 != 0);
    EXPECT_EQ(line.at("grad_error").is_null(), step % 5 != 0);
    if (step % 5 != 0) continue;
    if (line.at("injections") == 0) {
      EXPECT_EQ(line.at("clean_loss"), line.at("loss"));
      EXPECT_EQ(line.at("clean_grad_norm"), line.at("grad_norm"));
      EXPECT_EQ(line.at("grad_error"), 0.0);
    } else {
      EXPECT_GT(line.at("grad_error"), 0.0);
    }
  }
}

TEST_F(RecordsTest, ShadowChangesNoBitOfTheTraining) {
  const fs::path with = workspace_.trained("with"),
                 without = workspace_.trained("without", {"monitor.shadow.interval=0"});
  EXPECT_TRUE(read_file(with / "weights.safetensors") == read_file(without / "weights.safetensors"));
  EXPECT_TRUE(read_file(with / "evaluations.jsonl") == read_file(without / "evaluations.jsonl"));
}

TEST_F(RecordsTest, PlanThatNeverFiresIsNoPlan) {
  const Arguments dropout{"model.dropout=0.2", "perturbations=[]"};
  const fs::path none = workspace_.trained("none", dropout);
  const fs::path never =
      workspace_.trained("never", {dropout[0], "perturbations.0.schedule={kind: once, step: 300}",
                                   "perturbations.1.schedule={kind: every, interval: 1, from: 100000}"});
  for (const char* name : kRecordFiles) EXPECT_TRUE(read_file(never / name) == read_file(none / name)) << name;
  EXPECT_TRUE(read_file(never / "weights.safetensors") == read_file(none / "weights.safetensors"));
  EXPECT_EQ(read_file(none / "ledger.jsonl"), "");
}

TEST_F(RecordsTest, RunsAreRepeatableByteForByte) {
  expect_same_run(workspace_.trained("one"), workspace_.trained("two"));
}

TEST_F(RecordsTest, ResolvedConfigIsAConfigOfTheSameRun) {
  const fs::path run = workspace_.trained("run", {"run.steps=100", "optimizer.momentum=0.9"});
  EXPECT_EQ(workspace_.run({"train", "runs/run/config.yaml", "run.name=again"}).status, 0);
  expect_same_run(workspace_.run_path("again"), run);
}

TEST_F(RecordsTest, AutomaticThreadsAreResolvedAndKept) {
  const fs::path run = workspace_.trained("run", {"run.threads=auto", "run.steps=50"});
  const int threads = read_json(run / "manifest.json").at("threads");
  EXPECT_GE(threads, 1);
  EXPECT_NE(read_file(run / "config.yaml").find("threads: " + std::to_string(threads)), std::string::npos);
}

TEST_F(RecordsTest, OverridesReachTheRun) {
  const fs::path clean = workspace_.trained("clean", {"perturbations=[]", "run.steps=100"});
  EXPECT_EQ(read_file(clean / "ledger.jsonl"), "");
  const fs::path braces = workspace_.trained(
      "braces", {"perturbations=[{label: all, sites: \"*\", direction: both, kind: uniform, scale: 0.5, "
                 "schedule: {kind: at, steps: [3, 9]}}]",
                 "run.steps=100", "monitor.shadow={interval: 0}"});
  const std::vector<Json> ledger = read_lines(braces / "ledger.jsonl");
  EXPECT_EQ(ledger.size(), 12U) << "2 steps, 3 sites, 2 directions";
  for (const Json& line : ledger) EXPECT_EQ(line.at("rule"), "all");
  EXPECT_TRUE(read_lines(braces / "steps.jsonl").front().at("clean_loss").is_null());
}

TEST_F(RecordsTest, DivergenceIsAResult) {
  const Result result =
      workspace_.run(Workspace::train("run", {"optimizer.learning_rate=1e12", "perturbations=[]", "--json"}));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out).at("verdict"), "diverged");
  const Json last = read_lines(workspace_.run_path("run") / "steps.jsonl").back();
  EXPECT_TRUE(last.at("loss").is_null());
  EXPECT_TRUE(last.at("grad_norm").is_null());
  EXPECT_FALSE(last.at("finite").get<bool>());
  EXPECT_EQ(read_lines(workspace_.run_path("run") / "spikes.jsonl").back().at("detector"), "nonfinite");
}

TEST_F(RecordsTest, SkippedStepsKeepTheRunGoing) {
  const fs::path run = workspace_.trained("run", {"run.on_nonfinite=skip", "perturbations.0.scale=1.0e+38",
                                                  "perturbations.0.kind=constant", "perturbations.0.mean=1.0e+38"});
  const std::vector<Json> steps = read_lines(run / "steps.jsonl");
  EXPECT_EQ(steps.size(), 300U);
  EXPECT_FALSE(steps[40].at("finite").get<bool>());
  EXPECT_TRUE(steps[41].at("finite").get<bool>());
}

TEST_F(RecordsTest, WeightsAreReadableFromPython) {
  const fs::path python = fs::path(GRADQUAKE_SOURCE_DIR) / ".venv/bin/python";
  if (!fs::exists(python)) GTEST_SKIP() << "no " << python;
  const fs::path run = workspace_.trained("run", {"run.steps=50"});
  const std::string script =
      "import sys; from safetensors.torch import load_file; "
      "print({k: list(v.shape) for k, v in load_file(sys.argv[1]).items()})";
  const fs::path out = workspace_.path() / "out";
  const std::string command = python.string() + " -c '" + script + "' " + (run / "weights.safetensors").string() +
                              " > " + out.string() + " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << read_file(out);
  for (const char* part : {"'layers.0.weight': [32, 64]", "'layers.2.weight': [10, 32]", "'layers.2.bias': [10]"}) {
    EXPECT_NE(read_file(out).find(part), std::string::npos) << read_file(out);
  }
}

}  // namespace
}  // namespace gradquake::end_to_end
