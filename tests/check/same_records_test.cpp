// scripts/same_records on made-up builds: a copy of the script beside one config, and programs that write what they are
// told to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "command.h"

namespace gradquake {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class SameRecordsTest : public testing::Test {
 protected:
  SameRecordsTest() {
    std::string pattern = (fs::temp_directory_path() / "same records XXXXXX").string();
    clone_ = mkdtemp(pattern.data());
    fs::create_directories(clone_ / "scripts");
    for (const char* script : {"same_records", "data_path"}) {
      fs::copy_file(std::string(GRADQUAKE_SOURCE_DIR "/scripts/") + script, clone_ / "scripts" / script);
    }
    write("configs/small.yaml", "data: {kind: digits}\n");
    build("old", "1.5", "120");
  }
  ~SameRecordsTest() override { fs::remove_all(clone_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((clone_ / path).parent_path());
    std::ofstream(clone_ / path) << text;
  }
  // A build whose program trains to this loss at this speed.
  void build(const std::string& name, const std::string& loss, const std::string& speed) const {
    write(name + "/libgradquake.so", name);
    write(name + "/gradquake",
          "#!/bin/sh\n"
          "for a in \"$@\"; do case $a in run.out=*) out=${a#*=};; run.name=*) name=${a#*=};; esac; last=$a; done\n"
          "case $1 in\n"
          "  train) mkdir -p \"$out/$name\"; echo '{\"loss\": " +
              loss +
              "}' >\"$out/$name/steps.jsonl\"\n"
              "    printf '{\\n  \"verdict\": \"none\",\\n  \"steps_per_second\": " +
              speed +
              "\\n}\\n' >\"$out/$name/summary.json\";;\n"
              "  theory) echo 'L: 1' >\"$last\";;\n"
              "  reproduce) mkdir -p \"$last\";;\n"
              "esac\n");
    fs::permissions(clone_ / name / "gradquake", fs::perms::owner_all);
  }
  CommandResult compare(const std::string& arguments = "") const {
    return run_command("cd '" + clone_.string() + "' && bash scripts/same_records old new " + arguments);
  }
  fs::path clone_;
};

TEST_F(SameRecordsTest, PassesBuildsThatDifferInTimesOnly) {
  build("new", "1.5", "240");
  const CommandResult result = compare();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("5 files equal, 0 announced, 0 different"));
}

TEST_F(SameRecordsTest, NamesTheRecordThatChanged) {
  build("new", "1.25", "120");
  const CommandResult result = compare();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("DIFFERENT: small-1/steps.jsonl"));
  EXPECT_THAT(result.output, HasSubstr("3 files equal, 0 announced, 2 different"));
}

TEST_F(SameRecordsTest, LetsAnAnnouncedChangePass) {
  build("new", "1.25", "120");
  const CommandResult result = compare("--except '*/steps.jsonl'");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("announced: small-2/steps.jsonl"));
}

}  // namespace
}  // namespace gradquake
