#include <gtest/gtest.h>

#include <algorithm>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;
using testing::TestWithParam;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A run as a kill after its last checkpoint leaves it.
void forget_the_end(const fs::path& run) {
  fs::remove(run / "summary.json");
  fs::remove(run / "weights.safetensors");
}

void flip_a_byte(const fs::path& path) {
  std::string content = read_file(path);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 0x10);
  write_file(path, content);
}

class ResumeTest : public testing::Test {
 protected:
  Result resume(const std::string& name, const Arguments& more = {}) const {
    Arguments arguments{"resume", "runs/" + name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return workspace_.run(arguments);
  }
  void expect_refused(const Result& result, const std::string& why) const {
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
    EXPECT_TRUE(contains(result.err, why)) << result.err;
  }
  std::vector<fs::path> newest_first(const std::string& name) const {
    std::vector<fs::path> paths;
    for (const std::string& file : checkpoints(workspace_.run_path(name))) {
      paths.push_back(workspace_.run_path(name) / "checkpoints" / file);
    }
    std::reverse(paths.begin(), paths.end());
    return paths;
  }

  Workspace workspace_;
};

TEST_F(ResumeTest, FinishedRunSaysSoAndChangesNothing) {
  const fs::path run = workspace_.trained("run");
  const std::string before = read_file(run / "steps.jsonl") + read_file(run / "summary.json");
  const Result result = resume("run");
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(contains(result.err, "runs/run is finished")) << result.err;
  EXPECT_EQ(read_file(run / "steps.jsonl") + read_file(run / "summary.json"), before);
}

TEST_F(ResumeTest, RunKilledBeforeItsSummaryGetsTheSameOne) {
  const fs::path run = workspace_.trained("run"), same = workspace_.trained("same");
  forget_the_end(run);
  EXPECT_EQ(resume("run").status, 0);
  expect_same_run(run, same);
}

TEST_F(ResumeTest, DivergedRunKilledBeforeItsSummaryStaysDiverged) {
  const Arguments overrides{"optimizer.learning_rate=1e12", "perturbations=[]"};
  const fs::path run = workspace_.trained("run", overrides), same = workspace_.trained("same", overrides);
  ASSERT_LT(read_lines(same / "steps.jsonl").size(), 300U);
  forget_the_end(run);
  EXPECT_EQ(resume("run").status, 0);
  expect_same_run(run, same);
}

// Length of the first run, and of the one it is prolonged to; 300 and 400 are steps of evaluation, 350 is none.
class ProlongedRunTest : public ResumeTest, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(ProlongedRunTest, EqualsARunOfThatLength) {
  const auto [first, last] = GetParam();
  const fs::path run = workspace_.trained("run", {"run.steps=" + std::to_string(first)});
  const Result result = resume("run", {"run.steps=" + std::to_string(last)});
  EXPECT_EQ(result.status, 0) << result.err;
  expect_same_run(run, workspace_.trained("same", {"run.steps=" + std::to_string(last)}));
}

INSTANTIATE_TEST_SUITE_P(, ProlongedRunTest,
                         testing::Values(std::pair(300, 400), std::pair(300, 350), std::pair(250, 400),
                                         std::pair(41, 42)),
                         [](const auto& kind) {
                           return std::to_string(kind.param.first) + "To" + std::to_string(kind.param.second);
                         });

TEST_F(ResumeTest, RunOfEpochsIsProlongedInSteps) {
  const fs::path run = workspace_.trained("run", {"run.epochs=1"});
  const std::size_t steps = read_lines(run / "steps.jsonl").size();
  const std::string longer = "run.steps=" + std::to_string(steps + 60);
  const Result result = resume("run", {longer});
  EXPECT_EQ(result.status, 0) << result.err;
  expect_same_run(run, workspace_.trained("same", {longer}));
}

TEST_F(ResumeTest, RulesOfWeightsFormatsAndFaultsResumeBitForBit) {
  const std::string rules =
      "perturbations=[{sites: '*.weight', target: weight, kind: round, format: int4, rounding: stochastic, label: w},"
      " {sites: 'layers.*', direction: both, kind: bit_flip, rate: 1.0e-4, bits: mantissa, gradient: "
      "zero_where_changed,"
      " label: f}, {sites: '*', target: weight_gradient, kind: random_k, share: 0.5, of: tensor, label: k}]";
  const fs::path run = workspace_.trained("run", {rules, "run.steps=40"});
  EXPECT_EQ(resume("run", {"run.steps=70"}).status, 0);
  expect_same_run(run, workspace_.trained("same", {rules, "run.steps=70"}));
}

TEST_F(ResumeTest, RulesWithAMemoryResumeBitForBit) {
  const std::string rules =
      "perturbations=[{sites: 'layers.1', direction: both, kind: stale, steps: 2, label: s},"
      " {sites: 'layers.2', direction: both, kind: delta, of: {kind: round, format: e4m3fn}, label: d},"
      " {sites: '*', target: weight_gradient, kind: error_feedback, of: {kind: top_k, share: 0.1, of: tensor}, label: "
      "e}]";
  const fs::path run = workspace_.trained("run", {rules, "run.steps=140"});
  EXPECT_EQ(resume("run", {"run.steps=170"}).status, 0);
  expect_same_run(run, workspace_.trained("same", {rules, "run.steps=170"}));
}

TEST_F(ResumeTest, DivergedRunIsNotTrainedPastItsEnd) {
  const Arguments overrides{"optimizer.learning_rate=1e12", "perturbations=[]"};
  const fs::path run = workspace_.trained("run", overrides);
  EXPECT_EQ(resume("run", {"run.steps=400"}).status, 0);
  expect_same_run(run, workspace_.trained("same", {overrides[0], overrides[1], "run.steps=400"}));
}

TEST_F(ResumeTest, OnlyTheLengthMayChange) {
  const fs::path run = workspace_.trained("run");
  const std::vector<std::string> before = tree(run);
  expect_refused(resume("run", {"run.seed=2"}), "expected run.steps=N as the only change to a run, got 'run.seed=2'");
  expect_refused(resume("run", {"run.steps=400", "optimizer.learning_rate=1"}), "optimizer.learning_rate=1");
  expect_refused(resume("run", {"run.steps=many"}), "run.steps: expected an integer");
  EXPECT_EQ(tree(run), before);
}

TEST_F(ResumeTest, FewerStepsThanMadeAreRefused) {
  const fs::path run = workspace_.trained("run");
  const std::string before = read_file(run / "config.yaml") + read_file(run / "summary.json");
  expect_refused(resume("run", {"run.steps=200"}), "expected run.steps of at least the 300 steps made, got 200");
  EXPECT_EQ(read_file(run / "config.yaml") + read_file(run / "summary.json"), before);
}

struct Dependent {
  const char* name;
  std::string override, reason;
};

void PrintTo(const Dependent& run, std::ostream* out) { *out << run.name; }

class LengthDependentRunTest : public ResumeTest, public testing::WithParamInterface<Dependent> {};

TEST_P(LengthDependentRunTest, IsNotProlongedAndSaysWhy) {
  const fs::path run = workspace_.trained("run", {GetParam().override});
  const std::vector<std::string> before = tree(run);
  expect_refused(resume("run", {"run.steps=400"}), GetParam().reason);
  EXPECT_EQ(tree(run), before);
  forget_the_end(run);
  EXPECT_EQ(resume("run", {"run.steps=300"}).status, 0) << "the length it has is no change";
}

INSTANTIATE_TEST_SUITE_P(
    , LengthDependentRunTest,
    testing::Values(Dependent{"Cosine", "optimizer.schedule={kind: cosine}", "optimizer.schedule is cosine"},
                    Dependent{"Horizon", "perturbations.0.schedule.amplitude={kind: horizon, power: 0.5}",
                              "rule forward-burst has a horizon amplitude"},
                    Dependent{"Budget", "perturbations.1.schedule={kind: budget, count: 5, spread: even}",
                              "rule backward-burst spreads its budget over the whole run"}),
    [](const auto& kind) { return std::string(kind.param.name); });

TEST_F(ResumeTest, DamagedCheckpointFallsBackToTheOneBefore) {
  const fs::path same = workspace_.trained("same");
  for (const bool cut : {true, false}) {
    const std::string name = cut ? "cut" : "flipped";
    const fs::path run = workspace_.trained(name);
    forget_the_end(run);
    const fs::path newest = newest_first(name).front();
    if (cut) fs::resize_file(newest, fs::file_size(newest) - 1000);
    if (!cut) flip_a_byte(newest);
    const Result result = resume(name);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(contains(result.err, newest.filename().string() + " is damaged")) << result.err;
    EXPECT_TRUE(contains(result.err, "resuming from runs/" + name + "/checkpoints/step-000000000280.ckpt"))
        << result.err;
    expect_same_run(run, same);
  }
}

TEST_F(ResumeTest, OnlyDamagedCheckpointsMeanStepZero) {
  const fs::path run = workspace_.trained("run"), same = workspace_.trained("same");
  forget_the_end(run);
  for (const fs::path& checkpoint : newest_first("run")) fs::resize_file(checkpoint, 0);
  const Result result = resume("run");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "starting at step 0")) << result.err;
  expect_same_run(run, same);
}

TEST_F(ResumeTest, DamagedCheckpointCanBeTrainedPast) {
  const fs::path run = workspace_.trained("run");
  flip_a_byte(newest_first("run").front());
  EXPECT_EQ(resume("run", {"run.steps=400"}).status, 0);
  expect_same_run(run, workspace_.trained("same", {"run.steps=400"}));
}

TEST_F(ResumeTest, FilesAKilledRunWasWritingAreRemoved) {
  const fs::path run = workspace_.trained("run"), same = workspace_.trained("same");
  forget_the_end(run);
  write_file(run / "weights.safetensors.tmp123", "half");
  write_file(run / "checkpoints/step-000000000020.ckpt.tmp", "half");
  EXPECT_EQ(resume("run").status, 0);
  expect_same_run(run, same);
}

TEST_F(ResumeTest, RunThatAnotherProcessTrainsIsLeftAlone) {
  const Arguments overrides{"run.steps=1500"};
  Process training(Workspace::train("run", overrides), workspace_.path());
  training.wait_until([this] { return !checkpoints(workspace_.run_path("run")).empty(); });
  expect_refused(resume("run"), "expected a run that no other process trains, got runs/run");
  expect_refused(workspace_.run(Workspace::train("run", {"--overwrite"})), "no other process trains");
  EXPECT_EQ(training.wait().status, 0);
  expect_same_run(workspace_.run_path("run"), workspace_.trained("same", overrides));
}

TEST_F(ResumeTest, EditedConfigIsRefused) {
  const fs::path run = workspace_.trained("run");
  forget_the_end(run);
  std::string config = read_file(run / "config.yaml");
  config.replace(config.find("learning_rate: 0.1"), 18, "learning_rate: 0.2");
  write_file(run / "config.yaml", config);
  const Result result = resume("run");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(contains(lines_of(result.err).back(), "expected a checkpoint of this run's config")) << result.err;
}

TEST_F(ResumeTest, WhatIsNoRunFolderIsRefused) {
  expect_refused(resume("nowhere"), "expected a run folder with config.yaml and manifest.json, got runs/nowhere");
  EXPECT_EQ(tree(workspace_.path()), std::vector<std::string>{"small.yaml"});
}

}  // namespace
}  // namespace gradquake::end_to_end
