// `gradquake show`: a finished run's tables and picture, from its files.
#include <gtest/gtest.h>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

TEST(ShowTest, PrintsWhatTrainPrintedAndDrawsEverySpike) {
  const Workspace workspace;
  const Result trained = workspace.run(Workspace::train("run"));
  ASSERT_EQ(trained.status, 0) << trained.err;
  const Result shown = workspace.run({"show", "runs/run", "--svg", "run.svg"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(shown.out, trained.out);

  const std::string svg = read_file(workspace.path() / "run.svg");
  const std::string drawing = svg.substr(0, svg.find("<g transform"));
  std::size_t marks = 0;
  for (auto at = drawing.find("<use "); at != std::string::npos; at = drawing.find("<use ", at + 1)) ++marks;
  EXPECT_EQ(marks, read_lines(workspace.run_path("run") / "spikes.jsonl").size());
  EXPECT_EQ(workspace.run({"show", "runs/run", "--svg", "again.svg"}).status, 0);
  EXPECT_EQ(read_file(workspace.path() / "again.svg"), svg);
}

TEST(ShowTest, JsonIsTheSummaryAlone) {
  const Workspace workspace;
  workspace.trained("run");
  const Result shown = workspace.run({"show", "runs/run/", "--json"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_EQ(shown.err, "");
  EXPECT_EQ(shown.out, read_file(workspace.run_path("run") / "summary.json"));
}

TEST(ShowTest, AFolderWithoutAFinishedRunIsTheCallersMistake) {
  const Workspace workspace;
  const std::filesystem::path run = workspace.trained("run");
  std::filesystem::remove(run / "summary.json");
  const Result unfinished = workspace.run({"show", "runs/run"});
  EXPECT_EQ(unfinished.status, 2);
  EXPECT_EQ(unfinished.out, "");
  EXPECT_NE(unfinished.err.find("resume runs/run"), std::string::npos) << unfinished.err;
  EXPECT_EQ(workspace.run({"show", "runs/none"}).status, 2);
}

}  // namespace
}  // namespace gradquake::end_to_end
