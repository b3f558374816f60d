// Whole runs in folders of their own, killed and gone on with at will.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gradquake/run/run.h"
#include "gradquake/train/checkpoint_file.h"
#include "run_files.h"
#include "tiny_images.h"

namespace gradquake::run {

inline const std::string kCommon =
    "run: {steps: 30, threads: 1}\n"
    "evaluate: {interval: 5}\n"
    "checkpoint: {interval: 7, keep: 100}\n"
    "monitor: {curvature: {at: [0, 10], limit: 4, probe: 32}}\n";
inline const std::string kSgd =
    kCommon +
    "model: {kind: mlp, widths: [64, 24, 10], dropout: 0.2}\n"
    "optimizer: {kind: sgd, learning_rate: 0.1, momentum: 0.9}\n"
    "perturbations:\n"
    "  - {label: f, sites: layers.0, scale: 6, may_be_idle: true, schedule: {interval: 6, offset: 4}}\n"
    "  - {label: b, sites: layers.1, direction: backward, scale: 6, may_be_idle: true, schedule: {interval: 10, "
    "offset: 9}}\n";
inline const std::string kAdamCnn =
    kCommon + kTinyCnn +
    "optimizer: {kind: adam, learning_rate: 0.01}\n"
    "perturbations:\n"
    "  - {label: f, sites: blocks.0, scale: 6, may_be_idle: true, schedule: {interval: 6, offset: 4}}\n"
    "  - {label: b, sites: head, direction: backward, scale: 6, may_be_idle: true, schedule: {interval: 10, offset: "
    "9}}\n";

// All that a run wrote and that must not depend on how it came about.
inline std::map<std::string, std::string> outcome(const RunFolder& folder) {
  std::map<std::string, std::string> files;
  for (const char* name : {"steps.jsonl", "spikes.jsonl", "ledger.jsonl", "evaluations.jsonl", "curvature.jsonl",
                           "predictions.jsonl", "weights.safetensors"}) {
    files[name] = text_of(folder.file(name));
    EXPECT_TRUE(std::filesystem::exists(folder.file(name))) << name;
  }
  nlohmann::json summary = nlohmann::json::parse(text_of(folder.file("summary.json")));
  summary.erase("steps_per_second");
  files["summary.json"] = summary.dump();
  return files;
}

inline void expect_same(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  for (const auto& [name, content] : a) EXPECT_TRUE(content == b.at(name)) << name << " differs";
}

class RunTest : public testing::Test {
 protected:
  RunTest() { register_tiny_images(); }
  ~RunTest() override { std::filesystem::remove_all(out_); }

  RunConfig config(const std::string& text, const std::string& name, std::vector<std::string> overrides = {}) const {
    overrides.push_back("run.name=" + name);
    overrides.push_back("run.out='" + out_.string() + "'");
    return read_run_config(config::Document::parse(text, "t.yaml", overrides));
  }

  // A whole run in a folder of its own.
  RunFolder made(const RunConfig& config, const Options& watch = {}) {
    train::Task parts = assemble(config);
    const RunFolder folder = create_run_folder(config, true);
    result_ = run(parts, watched(run_options(config), watch), folder);
    return folder;
  }
  RunFolder made(const std::string& text, const std::string& name, const std::vector<std::string>& overrides = {}) {
    return made(config(text, name, overrides));
  }

  // Goes on as another process would; what it logged is in log_.
  void go_on(const RunConfig& config, const RunFolder& folder) {
    train::Task parts = assemble(config);
    Options options = run_options(config);
    options.log = [this](const std::string& line) { log_ += line + "\n"; };
    result_ = resume(parts, options, folder);
  }

  // The folder as a kill after the checkpoint of `step` leaves it: later records written, nothing summed up.
  static void kill_after(const RunFolder& folder, std::int64_t step) {
    for (const auto& path : train::list_checkpoints(folder.checkpoints())) {
      if (path > train::checkpoint_path(folder.checkpoints(), step)) std::filesystem::remove(path);
    }
    std::filesystem::remove(folder.file("summary.json"));
    std::filesystem::remove(folder.file("weights.safetensors"));
    std::ofstream(folder.file("steps.jsonl"), std::ios::app) << "{\"step\": 30, half a li";
  }

  const std::filesystem::path out_ =
      std::filesystem::path(testing::TempDir()) /
      ("gradquake-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name());
  RunResult result_;
  std::string log_;
};

}  // namespace gradquake::run
