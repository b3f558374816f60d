#include <gtest/gtest.h>

#include <string>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

// Where a config's data file or folder lies in the data folder: data/mnist -> DATA/mnist.
Arguments data_override(const std::string& config) {
  const std::string before = "path: data/";
  const std::size_t found = config.find(before);
  if (found == std::string::npos) return {};
  const std::size_t start = found + before.size(), end = config.find_first_of(",} \n", start);
  return {"data.path=" + (data_folder() / config.substr(start, end - start)).string()};
}

TEST(ConfigsTest, EveryShippedConfigIsAValidPlan) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder; GRADQUAKE_DATA names it";
  int configs = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(GRADQUAKE_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path());
    Arguments arguments{"plan", entry.path().string(), "--json"};
    for (const std::string& override : data_override(read_file(entry.path()))) arguments.push_back(override);
    const Workspace workspace;
    const Result result = workspace.run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    const Json plan = Json::parse(result.out, nullptr, false);
    ASSERT_TRUE(plan.is_object());
    const bool compares = read_file(entry.path()).find("\ncompare:") != std::string::npos;  // it draws noise of its own
    EXPECT_EQ(plan.at("rules").empty(), compares);
    for (const Json& rule : plan.at("rules")) EXPECT_FALSE(rule.at("first_firings").empty()) << rule.at("label");
    ++configs;
  }
  EXPECT_GE(configs, 9);
}

// A run without any rule. Where N steps in all raise no alarm, the rate of false alarms a step is below 3 / N with 95 %
// confidence (rule of three): 1 in 6,000 for the 18,000 steps that need no data folder.
struct QuietRun {
  std::string config;
  Arguments overrides;
};

// A step takes a tenth of a second.
bool is_slow(const std::string& config) {
  return config.find("shakespeare-") != std::string::npos || config.find("resnet20") != std::string::npos;
}

std::vector<QuietRun> quiet_runs() {
  std::vector<QuietRun> runs;
  for (const auto& entry : fs::directory_iterator(fs::path(GRADQUAKE_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string config = read_file(entry.path());
    Arguments data = data_override(config);
    if (!data.empty() && data_folder().empty()) continue;
    const bool small = data.empty();  // built-in data: a step takes well below a millisecond
    const bool slow = is_slow(config);
    data.push_back(small ? "run.steps=1500" : slow ? "run.steps=100" : "run.steps=300");
    for (const std::string& seed : slow ? Arguments{"run.seed=1"} : Arguments{"run.seed=1", "run.seed=2"}) {
      runs.push_back({entry.path().string(), data});
      runs.back().overrides.push_back(seed);
    }
  }
  const std::string digits = fs::path(GRADQUAKE_SOURCE_DIR) / "configs" / "digits_mlp.yaml";
  const std::vector<Arguments> ways = {{"data.batch_size=8", "optimizer.learning_rate=0.05"},
                                       {"data.batch_size=16", "optimizer.momentum=0.9", "optimizer.learning_rate=0.01"},
                                       {"optimizer.kind=adamw", "optimizer.learning_rate=0.001"}};
  for (Arguments way : ways) {
    way.push_back("run.steps=3000");
    runs.push_back({digits, way});
  }
  return runs;
}

TEST(ConfigsTest, TheRobustDetectorRaisesNoAlarmWhereNoRuleFires) {
  std::size_t steps = 0;
  for (const QuietRun& quiet : quiet_runs()) {
    const Workspace workspace;
    Arguments arguments{"train",
                        quiet.config,
                        "perturbations=[]",
                        "run.out=" + workspace.run_path("").string(),
                        "run.name=quiet",
                        "monitor.curvature.at=[]",
                        "monitor.curvature.on_spike=none",
                        "evaluate.interval=0",
                        "checkpoint.interval=0"};
    arguments.insert(arguments.end(), quiet.overrides.begin(), quiet.overrides.end());
    const Result result = workspace.run(arguments);
    ASSERT_EQ(result.status, 0) << result.err;
    steps += read_lines(workspace.run_path("quiet") / "steps.jsonl").size();
    for (const Json& spike : read_lines(workspace.run_path("quiet") / "spikes.jsonl"))
      ADD_FAILURE() << quiet.config << ": " << spike;
  }
  RecordProperty("steps", static_cast<int>(steps));
  EXPECT_GE(steps, 18000u);
}

TEST(ConfigsTest, ReadmeHasALineForEach) {
  const fs::path folder = fs::path(GRADQUAKE_SOURCE_DIR) / "configs";
  const std::string readme = read_file(folder / "README.md");
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NE(readme.find("`" + entry.path().filename().string() + "`"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace gradquake::end_to_end
