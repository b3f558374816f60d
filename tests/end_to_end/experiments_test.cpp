// The experiments that compare, in their quick form, as their READMEs run them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

Json run_script(const Workspace& workspace, const std::string& script, const std::string& result) {
  const std::string command = "cd '" + workspace.path().string() +
                              "' && GRADQUAKE='" GRADQUAKE_BINARY_DIR "/gradquake' '" GRADQUAKE_SOURCE_DIR
                              "/experiments/" +
                              script + "' --quick > out.txt 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << read_file(workspace.path() / "out.txt");
  return read_json(workspace.path() / "runs" / result / "compare.json");
}

// The rows of one direction and kind, by site.
std::vector<Json> rows_of(const Json& comparison, const std::string& direction, const std::string& kind) {
  std::vector<Json> rows;
  for (const Json& row : comparison.at("at").back().at("probe"))
    if (row.at("direction") == direction && row.at("kind") == kind) rows.push_back(row);
  return rows;
}

TEST(ExperimentsTest, FormatsOrderAsTheirPrecisionAndStochasticRoundingLosesItsBias) {
  const Workspace workspace;
  const Json found = run_script(workspace, "formats/run.sh", "formats-digits-compare");
  const auto bf16 = rows_of(found, "forward", "round format bf16"),
             e4m3 = rows_of(found, "forward", "round format e4m3fn");
  ASSERT_EQ(bf16.size(), 4U);
  for (std::size_t i = 0; i < bf16.size(); ++i) {
    EXPECT_LT(bf16[i].at("relative_error").at("estimate"), e4m3[i].at("relative_error").at("estimate"));
    EXPECT_NEAR(e4m3[i].at("sqnr_db").at("estimate").get<double>(), 31.5, 1.5);
  }
  for (const Json& row : rows_of(found, "backward", "round format e4m3fn, rounding stochastic")) {
    const double error = row.at("relative_error").at("estimate"), bias = row.at("bias_squared").at("estimate");
    EXPECT_LT(std::abs(bias), 0.75 * error * error) << row.at("site");  // two draws see no less
  }
  EXPECT_EQ(found.at("outcome").at("seeds"), 2);
}

TEST(ExperimentsTest, SmoothNetworksHaveTheExponentTwoInBothDirections) {
  const Workspace workspace;
  const Json gelu = run_script(workspace, "forward_vs_backward/run.sh", "depth-gelu-2-compare");
  for (const char* direction : {"forward", "backward"})
    for (const Json& row : rows_of(gelu, direction, "gaussian"))
      EXPECT_NEAR(row.at("exponent").at("estimate").get<double>(), 2, 0.1) << direction << row.at("site");
}

TEST(ExperimentsTest, TheScreenPutsTheSitesOfASmoothNetworkIntoTheProbesOrder) {
  const Workspace workspace;
  const Json at = run_script(workspace, "screen/run.sh", "screen-digits-gelu-compare").at("at")[0];
  for (const Json& row : at.at("probe"))
    EXPECT_NEAR(row.at("kink").at("estimate").get<double>(), 1, 0.35) << row.at("site") << row.at("direction");
}

TEST(ExperimentsTest, PerturbationsOfOneSiteMustBeRarerForwardThanBackward) {
  const Workspace workspace;
  const Json found = run_script(workspace, "intermittent/run.sh", "intermittent-quick-compare").at("budget");
  EXPECT_EQ(found.at("burst"), 16);
  ASSERT_EQ(found.at("rows").size(), 4U);  // the site and all at once, which are the same here
  for (std::size_t i = 0; i < 4; i += 2) {
    const Json &forward = found.at("rows")[i], &backward = found.at("rows")[i + 1];
    EXPECT_EQ(forward.at("direction"), "forward");
    EXPECT_GE(forward.at("interval_beyond"), 2) << forward.at("site");
    EXPECT_LT(backward.at("interval_within"), forward.at("interval_within")) << forward.at("site");
    EXPECT_GT(forward.at("intervals")[0].at("cost").at("low"), backward.at("intervals")[0].at("cost").at("estimate"));
  }
}

}  // namespace
}  // namespace gradquake::end_to_end
