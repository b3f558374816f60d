#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr int kInterrupted = 130;

class InterruptTest : public testing::Test {
 protected:
  bool has_steps() const { return fs::exists(run_ / "steps.jsonl") && fs::file_size(run_ / "steps.jsonl") > 0; }

  // Signalled `times` times once the first steps are on disk, while the run is far from its end.
  Result interrupted(const Arguments& arguments, int signal, int times = 1) const {
    Process process(arguments, workspace_.path());
    process.wait_until([this] { return has_steps(); });
    for (int i = 0; i < times; ++i) {
      process.send(signal);
      std::this_thread::sleep_for(milliseconds(1));
    }
    return process.wait();
  }
  void expect_interrupted(const Result& result) const {
    EXPECT_EQ(result.status, kInterrupted) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find("go on with: gradquake resume runs/run"), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(run_ / "summary.json"));
    ASSERT_FALSE(checkpoints(run_).empty());
  }
  void expect_resumed_identically(const Arguments& overrides) const {
    EXPECT_EQ(workspace_.run({"resume", "runs/run"}).status, 0);
    expect_same_run(run_, workspace_.trained("same", overrides));
  }
  void expect_resumed_identically() const { expect_resumed_identically(kOverrides); }

  const Arguments kOverrides{"run.steps=1500"};
  Workspace workspace_;
  fs::path run_ = workspace_.run_path("run");
};

TEST_F(InterruptTest, CtrlCWritesACheckpointAndExitsWith130) {
  const Arguments none_before_the_end{"run.steps=1500", "checkpoint.interval=0"};
  expect_interrupted(interrupted(Workspace::train("run", none_before_the_end), SIGINT));
  EXPECT_EQ(checkpoints(run_).size(), 1);
  expect_resumed_identically(none_before_the_end);
}

TEST_F(InterruptTest, TerminationIsAnInterruption) {
  expect_interrupted(interrupted(Workspace::train("run", kOverrides), SIGTERM));
  expect_resumed_identically();
}

TEST_F(InterruptTest, ResumedRunCanBeInterruptedAgain) {
  expect_interrupted(interrupted(Workspace::train("run", kOverrides), SIGINT));
  Process process({"resume", "runs/run", "--json"}, workspace_.path());
  const std::string newest = checkpoints(run_).back();
  process.wait_until([&] {
    const std::vector<std::string> now = checkpoints(run_);
    return !now.empty() && now.back() > newest;
  });
  process.send(SIGINT);
  expect_interrupted(process.wait());
  expect_resumed_identically();
}

TEST_F(InterruptTest, ManySignalsAreOneInterruption) {
  expect_interrupted(interrupted(Workspace::train("run", kOverrides), SIGINT, 20));
  expect_resumed_identically();
}

TEST_F(InterruptTest, DuringStartUpIsNoCrash) {
  for (const int after_ms : {0, 5, 50, 150, 200, 250}) {
    SCOPED_TRACE(after_ms);
    fs::remove_all(workspace_.path() / "runs");
    Process process(Workspace::train("run", kOverrides), workspace_.path());
    std::this_thread::sleep_for(milliseconds(after_ms));
    process.send(SIGINT);
    std::this_thread::sleep_for(milliseconds(2));
    process.send(SIGINT);
    const Result result = process.wait();
    EXPECT_EQ(result.status, kInterrupted) << result.err;
    for (const std::string& path : tree(workspace_.path() / "runs")) EXPECT_NE(path.front(), '.') << path;
    if (!fs::exists(run_)) continue;
    EXPECT_EQ(workspace_.run({"resume", "runs/run", "run.steps=1500"}).status, 0);
  }
}

}  // namespace
}  // namespace gradquake::end_to_end
