#include "gradquake/train/checkpoint_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gradquake/core/error.h"

namespace gradquake::train {
namespace {

namespace fs = std::filesystem;

class CheckpointFileTest : public testing::Test {
 protected:
  CheckpointFileTest() { fs::create_directories(folder_); }
  ~CheckpointFileTest() override { fs::remove_all(folder_); }

  static std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void put(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

  // The reason for which a file of these bytes is refused; empty where it is read.
  std::string refusal(const std::string& bytes) const {
    put(folder_ / "changed.ckpt", bytes);
    std::string reason;
    return read_checkpoint(folder_ / "changed.ckpt", &reason) ? "" : reason;
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      ("gradquake-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name());
  const CheckpointSections small_{{"step", "7"}, {"model", std::string("\0\xFFweights\n", 10)}, {"empty", ""}};
};

TEST_F(CheckpointFileTest, AFileGivesBackItsSectionsByteForByte) {
  CheckpointSections sections = small_;
  for (int i = 0; i < 100000; ++i) sections["large"] += static_cast<char>(i * i);
  write_checkpoint(folder_ / "a.ckpt", sections);
  std::string reason;
  EXPECT_EQ(read_checkpoint(folder_ / "a.ckpt", &reason), sections);
  EXPECT_EQ(reason, "");
}

TEST_F(CheckpointFileTest, NoSectionsAtAllAreReadBack) {
  write_checkpoint(folder_ / "a.ckpt", {});
  std::string reason;
  EXPECT_EQ(read_checkpoint(folder_ / "a.ckpt", &reason), CheckpointSections());
}

TEST_F(CheckpointFileTest, EveryTruncationIsRefusedWithAReason) {
  write_checkpoint(folder_ / "a.ckpt", small_);
  const std::string whole = bytes_of(folder_ / "a.ckpt");
  EXPECT_EQ(refusal(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
}

TEST_F(CheckpointFileTest, EveryChangeOfOneByteIsRefusedWithAReason) {
  write_checkpoint(folder_ / "a.ckpt", small_);
  const std::string whole = bytes_of(folder_ / "a.ckpt");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {1, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      EXPECT_NE(refusal(changed), "") << "byte " << at << " changed by " << change;
    }
  }
}

TEST_F(CheckpointFileTest, BytesAfterTheEndAreRefused) {
  write_checkpoint(folder_ / "a.ckpt", small_);
  const std::string whole = bytes_of(folder_ / "a.ckpt");
  EXPECT_NE(refusal(whole + '\0'), "");
  EXPECT_NE(refusal(whole + whole), "");
}

TEST_F(CheckpointFileTest, AMissingFileAndAFolderAreRefusedWithAReason) {
  std::string reason;
  EXPECT_EQ(read_checkpoint(folder_ / "none.ckpt", &reason), std::nullopt);
  EXPECT_EQ(reason, "it cannot be read");
  reason.clear();
  EXPECT_EQ(read_checkpoint(folder_, &reason), std::nullopt);
  EXPECT_NE(reason, "");
}

TEST_F(CheckpointFileTest, WritingLeavesNoTemporaryFileAndReplacesWhatWasThere) {
  put(checkpoint_path(folder_, 7), "damaged");
  write_checkpoint(checkpoint_path(folder_, 7), small_);
  std::string reason;
  EXPECT_EQ(read_checkpoint(checkpoint_path(folder_, 7), &reason), small_);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(CheckpointFileTest, AFailedWriteLeavesThePreviousFileWhole) {
  write_checkpoint(folder_ / "a.ckpt", small_);
  fs::create_directory(folder_ / "a.ckpt.tmp");
  EXPECT_THROW(write_checkpoint(folder_ / "a.ckpt", {{"step", "8"}}), DiskError);
  std::string reason;
  EXPECT_EQ(read_checkpoint(folder_ / "a.ckpt", &reason), small_);
}

TEST_F(CheckpointFileTest, TheListIsNewestFirstWithoutLeftOverTemporaryFiles) {
  for (const std::int64_t step : {9, 10, 1000000, 2}) write_checkpoint(checkpoint_path(folder_, step), {});
  put(checkpoint_path(folder_, 2000000).string() + ".tmp", "half written");
  put(folder_ / "notes.txt", "mine");
  const std::vector<fs::path> expected{checkpoint_path(folder_, 1000000), checkpoint_path(folder_, 10),
                                       checkpoint_path(folder_, 9), checkpoint_path(folder_, 2)};
  EXPECT_EQ(list_checkpoints(folder_), expected);
  EXPECT_TRUE(list_checkpoints(folder_ / "none").empty());
}

TEST_F(CheckpointFileTest, PruningKeepsTheNewestAndNothingElseIsTouched) {
  for (std::int64_t step = 1; step <= 5; ++step) write_checkpoint(checkpoint_path(folder_, step), {});
  put(folder_ / "notes.txt", "mine");
  prune_checkpoints(folder_, 2);
  EXPECT_EQ(list_checkpoints(folder_),
            (std::vector<fs::path>{checkpoint_path(folder_, 5), checkpoint_path(folder_, 4)}));
  EXPECT_TRUE(fs::exists(folder_ / "notes.txt"));
  prune_checkpoints(folder_, 9);
  EXPECT_EQ(list_checkpoints(folder_).size(), 2);
}

}  // namespace
}  // namespace gradquake::train
