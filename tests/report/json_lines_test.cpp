// Record files: what is on disk after which call.
#include "gradquake/report/json_lines.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gradquake/core/error.h"

namespace gradquake::report {
namespace {

class JsonLinesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() / (std::string("gradquake-") + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file() const { return folder_ / "steps.jsonl"; }
  std::string content() const {
    std::ostringstream text;
    text << std::ifstream(file(), std::ios::binary).rdbuf();
    return text.str();
  }
  void put(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }

  std::filesystem::path folder_;
};

TEST_F(JsonLinesTest, ANewFileHoldsTheLinesInOrder) {
  {
    JsonLines lines(file());
    lines.write("{\"step\":0}");
    lines.write("{\"step\":1}");
  }
  EXPECT_EQ(content(), "{\"step\":0}\n{\"step\":1}\n");
}

TEST_F(JsonLinesTest, AnExistingFileIsAppendedTo) {
  put("old\n");
  JsonLines(file()).write("new");
  EXPECT_EQ(content(), "old\nnew\n");
}

TEST_F(JsonLinesTest, ResumingCutsOffWhatCameAfterTheCheckpoint) {
  put("0\n1\n2\n3\n4 torn");
  JsonLines lines(file(), 4);
  EXPECT_EQ(lines.position(), 4u);
  EXPECT_EQ(content(), "0\n1\n");
  lines.write("2 again");
  lines.flush();
  EXPECT_EQ(content(), "0\n1\n2 again\n");
}

TEST_F(JsonLinesTest, KeepingNothingStartsAnew) {
  put("old\n");
  JsonLines(file(), 0).write("new");
  EXPECT_EQ(content(), "new\n");
}

TEST_F(JsonLinesTest, PositionCountsBufferedBytesToo) {
  JsonLines lines(file());
  lines.write("12345");
  EXPECT_EQ(lines.position(), 6u);
  EXPECT_EQ(content(), "");
  lines.sync();
  EXPECT_EQ(lines.position(), 6u);
  EXPECT_EQ(content(), "12345\n");
}

TEST_F(JsonLinesTest, ALineLargerThanTheBufferIsWrittenWhole) {
  const std::string large(1'000'000, 'x');
  {
    JsonLines lines(file());
    lines.write(large);
    lines.write("end");
    EXPECT_EQ(lines.position(), large.size() + 5);
  }
  EXPECT_EQ(content(), large + "\nend\n");
}

TEST_F(JsonLinesTest, AFileShorterThanItsCheckpointIsRefusedAndLeftAlone) {
  put("0\n");
  EXPECT_THROW(JsonLines(file(), 3), UserError);
  EXPECT_EQ(content(), "0\n");
}

TEST_F(JsonLinesTest, AMissingFolderIsNamed) {
  try {
    JsonLines lines(folder_ / "absent" / "steps.jsonl");
    FAIL();
  } catch (const DiskError& error) {
    EXPECT_NE(std::string(error.what()).find("absent/steps.jsonl"), std::string::npos);
  }
}

TEST_F(JsonLinesTest, AFullDiskIsReportedAndLosesNoLine) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  JsonLines lines("/dev/full");
  lines.write("kept");
  EXPECT_THROW(lines.flush(), DiskError);
  EXPECT_EQ(lines.position(), 5u);
}

TEST_F(JsonLinesTest, AMovedWriterGoesOnAndWritesOnce) {
  {
    JsonLines first(file());
    first.write("a");
    JsonLines second(std::move(first));
    second.write("b");
  }
  EXPECT_EQ(content(), "a\nb\n");
}

}  // namespace
}  // namespace gradquake::report
