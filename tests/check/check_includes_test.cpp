// scripts/check_includes on made-up trees: it sees what it is there for, with file and line, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "command.h"

namespace gradquake {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class CheckIncludesTest : public testing::Test {
 protected:
  CheckIncludesTest() {
    std::string pattern = (fs::temp_directory_path() / "check includes XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    write("gradquake/hooks/tap.h", "#include <ATen/core/Tensor.h>\n");
    write("gradquake/core/error.h", "#include <string>\n");
  }
  ~CheckIncludesTest() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  CommandResult check() const {
    return run_command("bash '" GRADQUAKE_SOURCE_DIR "/scripts/check_includes' '" + root_.string() + "'");
  }
  void expect_fault(const std::string& place) const {
    const CommandResult result = check();
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.output, HasSubstr(place));
    EXPECT_THAT(result.output, HasSubstr("1 fault(s)"));
  }
  fs::path root_;
};

TEST_F(CheckIncludesTest, PassesAllowedIncludes) {
  write("gradquake/config/reader.h",
        "#pragma once\n#include \"gradquake/core/error.h\"\n#include \"gradquake/config/value.h\"\n");
  write("gradquake/model/model.h", "#include <torch/nn/module.h>\n#include \"gradquake/hooks/tap.h\"\n");
  write("gradquake/cli/train.cpp", "#include <gradquake/run/run.h>\n#include <gradquake/hooks/tap.h>\n");
  const CommandResult result = check();
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, "");
}

TEST_F(CheckIncludesTest, PassesThisRepository) {
  const CommandResult result = run_command("bash '" GRADQUAKE_SOURCE_DIR "/scripts/check_includes'");
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(CheckIncludesTest, SeesARoomIncludeOneThatIsBuiltOnIt) {
  write("gradquake/core/error.cpp", "\n\n#include \"gradquake/config/reader.h\"\n");
  expect_fault("gradquake/core/error.cpp:3: core may not include gradquake/config/reader.h");
}

TEST_F(CheckIncludesTest, SeesHooksIncludeAnyOtherRoom) {
  write("gradquake/hooks/plan.cpp", "// a\n  #  include <gradquake/core/error.h>\n");
  expect_fault("gradquake/hooks/plan.cpp:2: hooks may not include gradquake/core/error.h");
}

TEST_F(CheckIncludesTest, SeesTheLoopIncludeTheMonitor) {
  write("gradquake/train/trainer.h", "#include \"gradquake/monitor/monitor.h\"\n");
  expect_fault("gradquake/train/trainer.h:1: train may not include gradquake/monitor/monitor.h");
}

TEST_F(CheckIncludesTest, SeesATorchHeaderInARoomWithoutTorch) {
  for (const std::string folder : {"core", "config", "monitor", "theory", "report"}) {
    for (const std::string header : {"torch/torch.h", "ATen/ATen.h", "c10/util/Optional.h"}) {
      const std::string path = "gradquake/" + folder + "/a.h";
      write(path, "#include <" + header + ">\n");
      expect_fault(path + ":1: " + folder + " must compile without LibTorch, but includes " + header);
      fs::remove(root_ / path);
    }
  }
}

TEST_F(CheckIncludesTest, SeesOurHeadersNamedByOtherPaths) {
  write("gradquake/core/error.cpp", "#include \"error.h\"\n");
  expect_fault("gradquake/core/error.cpp:1: name the header gradquake/<room>/<file>.h, not error.h");
  write("gradquake/core/error.cpp", "#include \"../config/reader.h\"\n");
  expect_fault("gradquake/core/error.cpp:1: name the header gradquake/<room>/<file>.h, not ../config/reader.h");
  write("gradquake/core/error.cpp", "#include \"hooks/tap.h\"\n");
  expect_fault("gradquake/core/error.cpp:1: name the header gradquake/<room>/<file>.h, not hooks/tap.h");
}

TEST_F(CheckIncludesTest, SeesARoomTheTableDoesNotKnow) {
  write("gradquake/extras/a.h", "#pragma once\n");
  expect_fault("gradquake/extras: ");
}

TEST_F(CheckIncludesTest, NamesARoomsCircle) {
  write("gradquake/data/a.h", "#include \"gradquake/model/b.h\"\n");
  write("gradquake/model/b.h", "#include \"gradquake/data/a.h\"\n");
  const CommandResult result = check();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("gradquake/data/a.h:1: data may not include gradquake/model/b.h"));
  EXPECT_THAT(result.output, HasSubstr("rooms include each other in a circle: data model"));
}

TEST_F(CheckIncludesTest, SeesARoomThatOutgrowsTheOthers) {
  std::string lines(4000, '\n');
  write("gradquake/hooks/kinds.cpp", lines + lines + lines);  // hooks is not counted
  for (const std::string room : {"config", "data", "model", "train", "run", "cli", "theory"}) {
    write("gradquake/" + room + "/a.cpp", std::string(800, '\n'));
  }
  EXPECT_EQ(check().status, 0);
  write("gradquake/paper/a.cpp", std::string(1200, '\n'));
  expect_fault("gradquake/paper: 1200 of 6801 lines, more than ");
}

TEST_F(CheckIncludesTest, PassesIncludesInComments) {
  write("gradquake/core/error.cpp", "// #include \"gradquake/cli/run.h\"\n/* see #include <torch/torch.h> */\n");
  EXPECT_EQ(check().status, 0);
}

}  // namespace
}  // namespace gradquake
