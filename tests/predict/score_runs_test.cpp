#include "gradquake/predict/score_runs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gradquake/core/error.h"
#include "gradquake/report/record_json.h"

namespace gradquake::predict {
namespace {

namespace fs = std::filesystem;

class ScoreRunsTest : public testing::Test {
 protected:
  ~ScoreRunsTest() override { fs::remove_all(out_); }

  // A run whose spikes, one an episode, were predicted and observed so.
  void add_run(const std::string& name, const std::vector<std::pair<double, std::int64_t>>& spikes) {
    fs::create_directories(out_ / name);
    std::ofstream predictions(out_ / name / "predictions.jsonl"), records(out_ / name / "spikes.jsonl");
    for (std::size_t i = 0; i < spikes.size(); ++i) {
      SpikePrediction prediction;
      prediction.step = static_cast<std::int64_t>(100 * i);
      prediction.local.value = spikes[i].first;
      prediction.bound.reason = "noise floor";
      predictions << report::to_line(prediction) << '\n';
      SpikeRecord record;
      record.step = prediction.step;
      record.episode = static_cast<std::int64_t>(i);
      record.gradient_recovery_steps = spikes[i].second;
      record.verdict = "recovered";
      records << report::to_line(record) << '\n';
    }
  }

  const fs::path out_ = fs::path(testing::TempDir()) / ("gradquake-score-" + std::to_string(getpid()));
};

TEST_F(ScoreRunsTest, GroupsAddUpTheRunsBelowThem) {
  add_run("a/seed-1", {{4, 3}, {0, 0}});
  add_run("a/deeper/seed-2", {{1, 9}});
  add_run("b/seed-1", {{8, 8}});
  const auto document = score_runs({(out_ / "a").string(), (out_ / "b").string()});
  const auto& a = document["groups"][0];
  EXPECT_EQ(a["runs"], 2);
  EXPECT_EQ(a["spikes"], 3);
  EXPECT_EQ(a["verdicts"]["recovered"], 3);
  EXPECT_EQ(a["local"]["compared"], 2);
  EXPECT_EQ(a["local"]["both_zero"], 1);
  EXPECT_EQ(a["local"]["coverage"], 0.5);
  EXPECT_EQ(a["local"]["within_2x"], 0.5);
  EXPECT_DOUBLE_EQ(a["local"]["sharpness"].get<double>(), (5.0 / 4 + 2.0 / 10) / 2);
  EXPECT_EQ(a["bound"]["noise_floor"], 3);
  EXPECT_EQ(a["displaced"]["without_prediction"], 3);
  EXPECT_EQ(document["total"]["local"]["compared"], 3);
  EXPECT_NEAR(document["total"]["local"]["coverage"].get<double>(), 2.0 / 3, 1e-12);
}

TEST_F(ScoreRunsTest, TheTableHasARowAGroupAndATotal) {
  add_run("a/seed-1", {{4, 3}});
  const std::string table = score_table(score_runs({(out_ / "a").string()}));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
  EXPECT_NE(table.find("100 %"), std::string::npos);
  EXPECT_NE(table.find("\ntotal"), std::string::npos);
}

TEST_F(ScoreRunsTest, AFolderWithoutRunsIsRefused) {
  fs::create_directories(out_ / "empty");
  EXPECT_THROW(score_runs({(out_ / "empty").string()}), UserError);
  EXPECT_THROW(score_runs({(out_ / "missing").string()}), UserError);
}

}  // namespace
}  // namespace gradquake::predict
