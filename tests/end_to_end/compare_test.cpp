// `gradquake compare`: the screen of every site, as a user gets it.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

class CompareTest : public testing::Test {
 protected:
  static Arguments compare(const Arguments& more = {}) {
    Arguments arguments{"compare", "small.yaml", "perturbations=[]",
                        "compare={at: [0, 30], screen: {batches: 4, vectors: [4, 8]}, relative_sizes: [0.1],"
                        " probe: {batches: 2, repeats: [2, 2]},"
                        " outcome: {steps: 30, seeds: [2, 2]}}"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  void expect_mistake(const Arguments& arguments, const std::string& message) {
    const Result result = workspace_.run(arguments);
    EXPECT_EQ(result.status, 2) << result.out;
    EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(tree(workspace_.path()), std::vector<std::string>{"small.yaml"});
  }

  Workspace workspace_;
};

TEST_F(CompareTest, ATableAndAFolderSayTheSameAndTheSameCommandWritesTheSameBytes) {
  const Result result = workspace_.run(compare());
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const std::vector<std::string> files = tree(workspace_.path() / "runs");
  ASSERT_EQ(files.size(), 8U);
  const fs::path own = workspace_.path() / "runs" / files[0];
  EXPECT_NE(result.out.find("picture and tables in runs/" + files[0]), std::string::npos) << result.out;
  const Json json = read_json(own / "compare.json");
  ASSERT_EQ(json.at("at").size(), 2U);
  EXPECT_EQ(json.at("at")[1].at("step"), 30);
  const Json& row = json.at("at")[0].at("screen")[0];
  EXPECT_EQ(row.at("site"), "layers.0");
  EXPECT_EQ(row.at("direction"), "forward");
  const double gain = row.at("gain").at("estimate");
  EXPECT_GT(gain, 0);
  EXPECT_NEAR(row.at("largest_size").at("estimate").get<double>() * gain, 0.1, 1e-12);
  const std::vector<std::string> csv = lines_of(read_file(own / "screen.csv"));
  EXPECT_EQ(csv.size(), 1 + 2 * json.at("at")[0].at("screen").size());
  const std::string before = read_file(own / "compare.json") + read_file(own / "map.svg");
  const Result again = workspace_.run(compare({"--json"}));
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(Json::parse(again.out), json);
  EXPECT_EQ(read_file(own / "compare.json") + read_file(own / "map.svg"), before);
}

TEST_F(CompareTest, KindsWithAMemoryAreBlankAtFixedWeightsAndTrainedUnder) {
  const Result result = workspace_.run(
      compare({"compare.kinds=[{kind: stale}, {kind: error_feedback, of: {kind: top_k, share: 0.5}}]", "--json"}));
  ASSERT_EQ(result.status, 0) << result.err;
  const Json json = Json::parse(result.out);
  for (const Json& cell : json.at("at")[0].at("probe")) {
    EXPECT_EQ(cell.at("reason"), "it has a memory: measured only by the outcome");
    EXPECT_TRUE(cell.at("relative_error").is_null());
  }
  EXPECT_NE(result.out.find("\"stale\""), std::string::npos) << result.out;
  EXPECT_FALSE(json.at("outcome").empty());
}

TEST_F(CompareTest, TheConfigOfAComparisonTrainsAsItStands) {
  ASSERT_EQ(workspace_.run(compare({"--out", "sites"})).status, 0);
  EXPECT_EQ(workspace_.run({"train", "sites/config.yaml", "run.name=trained", "run.steps=20"}).status, 0);
}

TEST_F(CompareTest, AKilledComparisonGoesOnAndEndsWithTheSameBytes) {
  const Arguments arguments = compare({"--only", "outcome"});
  ASSERT_EQ(workspace_.run(arguments).status, 0);
  const fs::path own = workspace_.path() / "runs" / "small-compare";
  std::map<std::string, std::string> whole;
  for (const std::string& name : tree(own)) whole[name] = read_file(own / name);
  ASSERT_EQ(whole.count("outcome.csv"), 1U);
  const std::vector<std::string> runs = lines_of(whole["finished.jsonl"]);
  ASSERT_EQ(runs.size(), 8U);
  // What a kill leaves: some networks, the last line cut short.
  for (const char* name : {"compare.json", "outcome.csv"}) fs::remove(own / name);
  std::ofstream(own / "finished.jsonl") << runs[0] << '\n' << runs[1] << '\n' << runs[2].substr(0, 20);
  ASSERT_EQ(workspace_.run(arguments).status, 0);
  for (const auto& [name, bytes] : whole) EXPECT_EQ(read_file(own / name), bytes) << name;
}

// One site in each direction and all of them: searched, then rules, with as many processes as one likes.
TEST_F(CompareTest, ABudgetEndsWithRulesThatTrainWithinItHoweverManyWork) {
  const Arguments arguments = compare({"--only", "budget", "compare.sites=layers.1", "compare.at=[0]",
                                       "compare.budget={cost: 0.5, steps: 30, seeds: 3}"});
  const auto with = [&](const Arguments& more) {
    Arguments all = arguments;
    all.insert(all.end(), more.begin(), more.end());
    return workspace_.run(all);
  };
  ASSERT_EQ(with({"--jobs", "1", "--out", "one"}).status, 0);
  const Result result = with({"--jobs", "3", "--out", "three"});
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char* name : {"compare.json", "budget.csv"})
    EXPECT_EQ(read_file(workspace_.path() / "one" / name), read_file(workspace_.path() / "three" / name)) << name;
  const Json budget = read_json(workspace_.path() / "one" / "compare.json").at("budget");
  ASSERT_EQ(budget.at("rows").size(), 4U);
  for (const Json& row : budget.at("rows")) {
    EXPECT_GT(row.at("theory").get<double>(), 0);
    ASSERT_FALSE(row.at("within").is_null()) << row;
    for (const Json& tried : row.at("sizes")) {
      if (tried.at("size") == row.at("within")) {
        EXPECT_LT(tried.at("cost").at("high"), 0.5);
      }
    }
  }
  // What it printed is a config's list as it stands.
  const std::string text = budget.at("rules")[0].at("text");
  EXPECT_NE(result.out.find(text), std::string::npos) << result.out;
  EXPECT_LT(budget.at("rules")[0].at("cost").at("high"), 0.5);
  const std::string config = read_file(workspace_.path() / "small.yaml");
  ASSERT_NE(config.find("perturbations:"), std::string::npos);
  std::ofstream(workspace_.path() / "pasted.yaml")
      << config.substr(0, config.find("perturbations:")) + text + "evaluate: {interval: 0}\n";
  const Result trained = workspace_.run({"train", "pasted.yaml", "run.steps=20"});
  EXPECT_EQ(trained.status, 0) << trained.err << config;
}

TEST_F(CompareTest, TheWeightsOfAFinishedRunAreLookedAt) {
  ASSERT_EQ(workspace_.run({"train", "small.yaml", "perturbations=[]", "run.steps=30"}).status, 0);
  ASSERT_EQ(workspace_.run(compare({"--only", "screen", "--out", "steps"})).status, 0);
  ASSERT_EQ(workspace_.run(compare({"--only", "screen", "--out", "run", "compare.at={run: runs/small}"})).status, 0);
  const Json at = read_json(workspace_.path() / "run" / "compare.json").at("at");
  EXPECT_EQ(at[0], read_json(workspace_.path() / "steps" / "compare.json").at("at")[1]);
}

TEST_F(CompareTest, TheCostOfTrainingIsThatOfTheNetworksThatTrainWouldMake) {
  const Result result = workspace_.run(compare({"--only", "outcome", "--json"}));
  ASSERT_EQ(result.status, 0) << result.err;
  const Json outcome = Json::parse(result.out).at("outcome");
  ASSERT_EQ(workspace_
                .run({"train", "small.yaml", "run.steps=30", "run.name=same",
                      "perturbations="
                      "[{label: compare.forward, sites: \"*\", scale: 0.1, relative_to: rms}]"})
                .status,
            0);
  const double loss = read_json(workspace_.path() / "runs" / "same" / "summary.json").at("eval").at("loss");
  const Json run =
      Json::parse(lines_of(read_file(workspace_.path() / "runs" / "small-compare" / "finished.jsonl"))[1]).at("result");
  EXPECT_EQ(run.at("name"), "gaussian, forward");
  EXPECT_EQ(run.at("loss"), loss);
  EXPECT_EQ(outcome.at("seeds"), 2);
  EXPECT_EQ(outcome.at("arms").size(), 4U);
  EXPECT_EQ(outcome.at("arms")[0].at("cost").at("estimate"), 0);
}

TEST_F(CompareTest, AFolderOfAnotherConfigIsNotTouched) {
  ASSERT_EQ(workspace_.run(compare({"--out", "sites"})).status, 0);
  const std::string before = read_file(workspace_.path() / "sites" / "compare.json");
  const Result other = workspace_.run(compare({"run.seed=2", "--out", "sites"}));
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("sites to hold a comparison of this config"), std::string::npos) << other.err;
  EXPECT_EQ(read_file(workspace_.path() / "sites" / "compare.json"), before);
}

TEST_F(CompareTest, MistakesAreOneLineAndLeaveNothing) {
  expect_mistake(compare({"compare.sites=conv.*"}), "expected compare.sites to match one of the model's");
  expect_mistake(compare({"compare.sites='layers.['"}), "compare.sites: expected a glob");
  expect_mistake(compare({"compare.at=[100000]"}), "expected compare.at within the run's 300 steps, got 100000");
  expect_mistake(compare({"compare.at=[]"}), "compare.at: expected a step at least");
  expect_mistake(compare({"compare.share=0"}), "compare.share: expected a number > 0");
  expect_mistake(compare({"compare.screen.vectors=[8, 4]"}), "compare.screen.vectors: expected two numbers");
  expect_mistake(compare({"compare.vectors=8"}), "compare.vectors: expected a known key");
  expect_mistake(compare({"--only", "probes"}), "--only");
  expect_mistake(compare({"--only", "outcome", "compare.sites=conv.*"}), "expected");
  expect_mistake(compare({"compare.outcome.seeds=[1, 4]"}), "compare.outcome.seeds");
  expect_mistake(compare({"compare.at={run: runs/none}"}), "runs/none");
  expect_mistake(compare({"compare.budget={cost: 0}"}), "compare.budget.cost: expected a number > 0");
  expect_mistake(compare({"--only", "budget", "compare.kinds=[{kind: zero, share: 0.1}]"}),
                 "expected a kind with a size");
  expect_mistake(compare({"--jobs", "0"}), "--jobs");
  expect_mistake(compare({"compare.kinds=[{kind: gaussian, scale: 1}]"}), "compare.kinds.0.scale");
  expect_mistake(compare({"compare.kinds=[{kind: round, format: int0}]"}), "int2 to int16");
  expect_mistake(compare({"compare.kinds=[{kind: gaussian}, {kind: gaussian}]"}), "each kind once");
}

}  // namespace
}  // namespace gradquake::end_to_end
