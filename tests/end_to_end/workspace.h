// A working directory of one test, with a small config in it, and the run folders that appear below it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.h"

namespace gradquake::end_to_end {

using Json = nlohmann::ordered_json;

inline constexpr const char* kRecordFiles[] = {"steps.jsonl", "spikes.jsonl", "ledger.jsonl", "evaluations.jsonl",
                                               "curvature.jsonl"};

// A fresh folder with `small.yaml`: 300 steps of a small network on digits, rules of both directions, one thread,
// 0.1 s. Removed at the end.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path run_path(const std::string& name) const { return path_ / "runs" / name; }

  // train small.yaml run.name=NAME and the overrides.
  static Arguments train(const std::string& name, const Arguments& overrides = {});
  // The program here, to its end.
  Result run(const Arguments& arguments) const { return end_to_end::run(arguments, path_); }
  // The folder of a run that ended with status 0.
  std::filesystem::path trained(const std::string& name, const Arguments& overrides = {}) const;

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);
std::vector<Json> read_lines(const std::filesystem::path& path);
Json read_json(const std::filesystem::path& path);

// MNIST-style files of 300 random 8 x 8 images each.
void write_images(const std::filesystem::path& folder);

// Every file and folder below, hidden ones included, by relative path.
std::vector<std::string> tree(const std::filesystem::path& folder);
// The finished checkpoints by name, oldest first. A run may write while this looks: none may be seen between two.
std::vector<std::string> checkpoints(const std::filesystem::path& run);

// Record files, weights.safetensors and config.yaml byte for byte; the summary but for its speed; no temporary file
// left.
void expect_same_run(const std::filesystem::path& run, const std::filesystem::path& expected);

std::vector<std::string> keys_of(const Json& object);
std::vector<std::string> lines_of(const std::string& text);

// The data folder: GRADQUAKE_DATA, else shared/data beside the source tree; empty where neither exists.
std::filesystem::path data_folder();

}  // namespace gradquake::end_to_end
