#include "gradquake/run/run_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/run/manifest.h"
#include "gradquake/run/version.h"

namespace gradquake::run {
namespace {

namespace fs = std::filesystem;

class RunFolderTest : public testing::Test {
 protected:
  ~RunFolderTest() override { fs::remove_all(out_); }

  RunConfig config(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> overrides{"run.name=here", "run.out='" + out_.string() + "'"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return read_run_config(config::Document::parse("model: {kind: mlp, widths: [64, 10]}", "t.yaml", overrides));
  }
  std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(out_)) names.insert(entry.path().filename());
    return names;
  }
  static std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string error_of(bool overwrite, const std::vector<std::string>& more = {}) const {
    try {
      create_run_folder(config(more), overwrite);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  const fs::path out_ = fs::path(testing::TempDir()) / ("gradquake-" + std::to_string(getpid()) + "-" +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(RunFolderTest, ANewFolderHoldsConfigManifestAndCheckpointsAndNothingLiesBesideIt) {
  const RunConfig c = config();
  const RunFolder folder = create_run_folder(c, false);
  EXPECT_EQ(folder.path, out_ / "here");
  EXPECT_EQ(text_of(folder.file("config.yaml")), c.resolved);
  EXPECT_TRUE(fs::is_directory(folder.checkpoints()));
  EXPECT_EQ(entries(), std::set<std::string>{"here"});
  EXPECT_FALSE(folder.finished());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), {}), 3);
  EXPECT_EQ(open_run_folder(folder.path).path, folder.path);
}

TEST_F(RunFolderTest, AnExistingFolderIsKeptUnlessToldOtherwise) {
  const RunFolder folder = create_run_folder(config(), false);
  std::ofstream(folder.file("steps.jsonl")) << "mine\n";
  EXPECT_NE(error_of(false).find("--overwrite"), std::string::npos);
  EXPECT_EQ(text_of(folder.file("steps.jsonl")), "mine\n");
  create_run_folder(config({"run.seed=9"}), true);
  EXPECT_FALSE(fs::exists(folder.file("steps.jsonl")));
  EXPECT_NE(text_of(folder.file("config.yaml")).find("seed: 9"), std::string::npos);
  EXPECT_EQ(entries(), std::set<std::string>{"here"});
}

TEST_F(RunFolderTest, AFolderThatIsNoRunIsNeverOverwritten) {
  fs::create_directories(out_ / "here");
  std::ofstream(out_ / "here" / "thesis.tex") << "years of work";
  EXPECT_NE(error_of(true).find("holds no manifest.json"), std::string::npos);
  EXPECT_EQ(text_of(out_ / "here" / "thesis.tex"), "years of work");
  std::ofstream(out_ / "there") << "a file";
  EXPECT_NE(error_of(true, {"run.name=there"}), "no error");
  EXPECT_EQ(text_of(out_ / "there"), "a file");
}

TEST_F(RunFolderTest, WhatAnInterruptedStartLeftIsRemovedAndNothingElse) {
  fs::create_directories(out_ / ".here.new-123" / "checkpoints");
  fs::create_directories(out_ / ".other.new-123");
  fs::create_directories(out_ / "here.new-4");
  create_run_folder(config(), false);
  EXPECT_EQ(entries(), (std::set<std::string>{"here", ".other.new-123", "here.new-4"}));
}

TEST_F(RunFolderTest, AFolderThatCannotBeMadeIsTheCallersMistake) {
  fs::create_directories(out_);
  std::ofstream(out_ / "file") << "in the way";
  EXPECT_EQ(error_of(false, {"run.out='" + (out_ / "file").string() + "'"}).rfind("[run] expected to make ", 0), 0);
}

TEST_F(RunFolderTest, OpeningWhatIsNoRunIsTheCallersMistake) {
  EXPECT_THROW(open_run_folder(out_ / "none"), UserError);
  fs::create_directories(out_ / "half");
  std::ofstream(out_ / "half" / "config.yaml") << "{}";
  EXPECT_THROW(open_run_folder(out_ / "half"), UserError);
}

TEST_F(RunFolderTest, OverwritingLeavesNoMomentWithoutAFolder) {
  const RunConfig c = config();
  const RunFolder folder = create_run_folder(c, false);
  std::atomic<bool> done = false;
  std::int64_t missing = 0;
  std::thread watcher([&, path = folder.file("config.yaml").string()] {
    while (!done) missing += ::access(path.c_str(), F_OK) == 0 ? 0 : 1;
  });
  for (int i = 0; i < 200; ++i) create_run_folder(c, true);
  done = true;
  watcher.join();
  EXPECT_EQ(missing, 0);
  EXPECT_EQ(entries(), std::set<std::string>{"here"});
}

TEST_F(RunFolderTest, AnAtomicWriteReplacesTheTextAndLeavesNothingBeside) {
  fs::create_directories(out_);
  write_file("run", out_ / "a.txt", "one");
  write_file("run", out_ / "a.txt", "two");
  EXPECT_EQ(text_of(out_ / "a.txt"), "two");
  EXPECT_EQ(entries(), std::set<std::string>{"a.txt"});
  EXPECT_THROW(write_file("run", out_ / "none" / "a.txt", "three"), DiskError);
}

TEST_F(RunFolderTest, TheManifestSaysWhatMadeTheRun) {
  const auto json = nlohmann::json::parse(manifest_json(config({"run.seed=5", "run.threads=2", "run.dtype=float64"})));
  EXPECT_EQ(json["gradquake"], kVersion);
  EXPECT_EQ(json["seed"], 5);
  EXPECT_EQ(json["threads"], 2);
  EXPECT_EQ(json["device"], "cpu");
  EXPECT_EQ(json["dtype"], "float64");
  EXPECT_EQ(json["working_directory"], fs::current_path().string());
  for (const char* key : {"libtorch", "compiler", "processor"})
    EXPECT_FALSE(json[key].get<std::string>().empty()) << key;
  EXPECT_TRUE(json.contains("git_revision"));
}

}  // namespace
}  // namespace gradquake::run
