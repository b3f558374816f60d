#include "gradquake/paper/reproduce.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "gradquake/core/error.h"
#include "gradquake/paper/run_lists.h"

namespace gradquake::paper {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTiny = {"samples=100",
                                        "steps=600",
                                        "seeds=[1,2]",
                                        "intervals=[1,10]",
                                        "step_sizes=[0.3,0.1]",
                                        "threads=2",
                                        "coupled.steps=[100,200,400]",
                                        "table1.steps=[64,128,256]"};

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> lines(const fs::path& path) {
  std::istringstream stream(read(path));
  std::vector<std::string> result;
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

class ReproduceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("gradquake-paper-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Reproduction run(const fs::path& out, std::optional<int> figure = {}, std::vector<std::string> more = {}) {
    std::vector<std::string> overrides = kTiny;
    overrides.insert(overrides.end(), more.begin(), more.end());
    return reproduce(read_settings(true, overrides), figure, out, nullptr);
  }

  fs::path folder_;
};

TEST(RunListsTest, FiguresThreeToEightAreThePapersRuns) {
  const Settings settings = read_settings(false, {});
  std::set<std::string> keys;
  std::size_t listed = standard_runs(settings).size();
  EXPECT_EQ(listed, 75u);
  for (int figure = 4; figure <= 8; ++figure) listed += figure_runs(settings, figure).size();
  EXPECT_EQ(listed, 1875u);
  for (const RunSpec& run : figure_runs(settings, 4)) keys.insert(run.key(settings));
  EXPECT_EQ(keys.size(), 400u) << "keys tell runs apart";
  for (const RunSpec& run : figure_runs(settings, 3)) EXPECT_TRUE(keys.count(run.key(settings)));
}

TEST(RunListsTest, ABiasedPerturbationIsUniformFromZero) {
  const RunSpec run = figure_runs(read_settings(false, {}), 6).front();
  const Lane lane = run.lane(10);
  EXPECT_DOUBLE_EQ(lane.mean - lane.half_width, 0);
  EXPECT_DOUBLE_EQ(lane.mean + lane.half_width, run.sigma / std::sqrt(10.0));
}

TEST(PackTest, EveryRunHasOneLaneOfABatchItBelongsTo) {
  const Settings settings = read_settings(true, kTiny);
  std::vector<RunSpec> runs = standard_runs(settings);
  for (int figure = 4; figure <= 8; ++figure) {
    for (const RunSpec& run : figure_runs(settings, figure)) runs.push_back(run);
  }
  std::multiset<std::string> expected, packed;
  for (const RunSpec& run : runs) expected.insert(run.key(settings));
  for (const std::vector<RunSpec>& batch : pack(runs)) {
    EXPECT_LE(batch.size(), kLanes);
    for (const RunSpec& run : batch) {
      packed.insert(run.key(settings));
      EXPECT_EQ(run.seed, batch.front().seed);
      EXPECT_EQ(run.direction, batch.front().direction);
      EXPECT_EQ(run.draw, batch.front().draw);
    }
  }
  EXPECT_EQ(packed, expected);
}

TEST_F(ReproduceTest, EveryFigureHasItsRunsAndExactlyTheStatedColumns) {
  run(folder_);
  const Settings settings = read_settings(true, kTiny);
  for (int figure = 3; figure <= 8; ++figure) {
    const auto rows = lines(folder_ / ("figure" + std::to_string(figure) + ".csv"));
    EXPECT_EQ(rows.front(),
              "regularizer,rho,direction,biased,draw,sigma,gamma,interval,seed,stable_grad_norm,stable_iteration,"
              "final_loss");
    EXPECT_EQ(rows.size() - 1, figure_runs(settings, figure).size());
  }
  EXPECT_EQ(lines(folder_ / "standard.csv").size() - 1, standard_runs(settings).size());
}

TEST_F(ReproduceTest, EveryClaimIsJudgedWithEstimates) {
  run(folder_);
  const auto document = nlohmann::json::parse(read(folder_ / "claims.json"));
  std::string ids;
  for (const auto& claim : document.at("claims")) {
    ids += claim.at("claim").get<std::string>();
    const auto verdict = claim.at("verdict").get<std::string>();
    EXPECT_TRUE(verdict == "holds" || verdict == "fails" || verdict.rfind("holds only if ", 0) == 0) << verdict;
    EXPECT_FALSE(claim.at("estimates").empty());
  }
  EXPECT_EQ(ids, "abcdefghi");
  const std::string tables = read(folder_ / "claims.md");
  for (const char* part : {"| (a) ", "| (i) ", "Figure 3", "Figure 8", "Standard SGD"}) {
    EXPECT_NE(tables.find(part), std::string::npos) << part;
  }
}

TEST_F(ReproduceTest, ASecondStartMakesNothingAgainAndAnotherSettingDoes) {
  EXPECT_GT(run(folder_, 6).work.made, 0u);
  const std::string figure = read(folder_ / "figure6.csv");
  EXPECT_EQ(run(folder_, 6).work.made, 0u);
  EXPECT_EQ(read(folder_ / "figure6.csv"), figure);
  EXPECT_GT(run(folder_, 6, {"ewma=0.02"}).work.made, 0u);
}

TEST_F(ReproduceTest, ATornLineIsMadeAgainWithTheSameResult) {
  run(folder_, 8);
  const std::string figure = read(folder_ / "figure8.csv"), stored = read(folder_ / "runs.jsonl");
  std::ofstream(folder_ / "runs.jsonl", std::ios::binary | std::ios::trunc) << stored.substr(0, stored.size() / 2);
  const Reproduction second = run(folder_, 8);
  EXPECT_GT(second.work.made, 0u);
  std::istringstream before(figure), after(read(folder_ / "figure8.csv"));
  // Neighbours in a vector differ after a resume, which may change the last bit of a value.
  std::size_t rows = 0;
  for (std::string a, b; std::getline(before, a) && std::getline(after, b); ++rows) {
    if (rows == 0) continue;
    std::istringstream fields_a(a), fields_b(b);
    for (std::string x, y; std::getline(fields_a, x, ',') && std::getline(fields_b, y, ',');) {
      if (x == y) continue;
      EXPECT_NEAR(std::stod(x) / std::stod(y), 1, 1e-9) << a << " | " << b;
    }
  }
  EXPECT_EQ(rows, lines(folder_ / "figure8.csv").size());
}

TEST_F(ReproduceTest, ThreadsAndPackingChangeNothing) {
  run(folder_ / "one", 7, {"threads=1"});
  run(folder_ / "two", 7, {"threads=2"});
  EXPECT_EQ(read(folder_ / "one" / "figure7.csv"), read(folder_ / "two" / "figure7.csv"));
}

TEST_F(ReproduceTest, MistakesAreNamedBeforeAnythingIsWritten) {
  EXPECT_THROW(run(folder_, 9), UserError);
  EXPECT_THROW(read_settings(true, {"stepz=3"}), UserError);
  EXPECT_THROW(read_settings(true, {"sigmas=[1e9]"}), UserError);
  EXPECT_THROW(read_settings(true, {"seeds=[]"}), UserError);
  EXPECT_FALSE(fs::exists(folder_));
}

}  // namespace
}  // namespace gradquake::paper
