// A disk that fills up, or a folder that goes away, while a run trains: named for what it is, and nothing is lost that
// a resume needs.
#include <gtest/gtest.h>

#include <cstdlib>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

// Programs started while it lives may write this many bytes to files.
class SmallDisk {
 public:
  explicit SmallDisk(long bytes) {
    ::setenv("GRADQUAKE_DISK_BYTES", std::to_string(bytes).c_str(), 1);
    ::setenv("LD_PRELOAD", GRADQUAKE_FULL_DISK, 1);
  }
  ~SmallDisk() {
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("GRADQUAKE_DISK_BYTES");
  }
};

class FullDiskTest : public testing::Test {
 protected:
  // Names the disk in one line, and says what to do.
  static void expect_full(const Result& result) {
    EXPECT_EQ(result.status, 1) << result.err;
    const std::vector<std::string> lines = lines_of(result.err);
    ASSERT_FALSE(lines.empty());
    for (const char* part : {"cannot ", "No space left on device", "free space"}) {
      EXPECT_NE(lines.back().find(part), std::string::npos) << result.err;
    }
    EXPECT_EQ(result.err.find("internal error"), std::string::npos) << result.err;
  }

  Workspace workspace_;
};

TEST_F(FullDiskTest, ARunThatFillsTheDiskSaysSoAndGoesOnBitForBitOnceThereIsRoom) {
  const fs::path whole = workspace_.trained("whole");
  for (const long bytes : {6000L, 30000L, 80000L, 130000L, 180000L}) {
    Result result;
    {
      const SmallDisk disk(bytes);
      result = workspace_.run(Workspace::train("small", {"--overwrite"}));
    }
    expect_full(result);
    const fs::path run = workspace_.run_path("small");
    EXPECT_NE(result.err.find("go on with: gradquake resume runs/small"), std::string::npos) << result.err;
    const Result resumed = workspace_.run({"resume", "runs/small"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    expect_same_run(run, whole);
  }
}

TEST_F(FullDiskTest, ADiskThatIsFullFromTheStartLeavesNoFolder) {
  Result result;
  {
    const SmallDisk disk(10);
    result = workspace_.run(Workspace::train("small"));
  }
  expect_full(result);
  EXPECT_FALSE(fs::exists(workspace_.run_path("small")));
}

TEST_F(FullDiskTest, AResumedRunThatFillsTheDiskGoesOnAgain) {
  const fs::path whole = workspace_.trained("whole");
  int filled = 0;
  for (const long bytes : {60000L, 90000L, 120000L}) {
    Result result;
    {
      const SmallDisk disk(bytes);
      result = workspace_.run(fs::exists(workspace_.run_path("small")) ? Arguments{"resume", "runs/small"}
                                                                       : Workspace::train("small"));
    }
    if (result.status == 0) break;
    expect_full(result);
    ++filled;
  }
  EXPECT_GE(filled, 1);
  EXPECT_EQ(workspace_.run({"resume", "runs/small"}).status, 0);
  expect_same_run(workspace_.run_path("small"), whole);
}

TEST_F(FullDiskTest, AFolderThatIsDeletedWhileItsRunTrainsIsNamed) {
  Process process(Workspace::train("gone", {"run.steps=100000", "checkpoint.interval=500"}), workspace_.path());
  const fs::path run = workspace_.run_path("gone");
  ASSERT_TRUE(process.wait_until([&] { return !checkpoints(run).empty(); }));
  std::error_code ignored;
  while (fs::exists(run)) fs::remove_all(run, ignored);
  const Result result = process.wait();
  EXPECT_EQ(result.status, 1) << result.err;
  const std::string last = lines_of(result.err).back();
  for (const char* part : {"runs/gone", "moved or deleted while the program ran", "train again"}) {
    EXPECT_NE(last.find(part), std::string::npos) << result.err;
  }
}

}  // namespace
}  // namespace gradquake::end_to_end
