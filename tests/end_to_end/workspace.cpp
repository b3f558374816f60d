#include "workspace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = R"(run: {name: small, seed: 3, steps: 300, threads: 1}
data: {kind: digits, batch_size: 32}
model: {kind: mlp, widths: [64, 32, 32, 10], activation: relu}
optimizer: {kind: sgd, learning_rate: 0.1}
perturbations:
  - label: forward-burst
    sites: "layers.[01]"
    direction: forward
    kind: gaussian
    scale: 3.0
    schedule: {kind: every, interval: 40, from: 40}
    may_be_idle: true  # in the shorter runs of some tests
  - label: backward-burst
    sites: "layers.1"
    direction: backward
    kind: rademacher
    scale: 3.0
    schedule: {kind: every, interval: 55, from: 50}
    may_be_idle: true
monitor:
  curvature: {at: [0, 128], on_spike: first, limit: 4, probe: 32}
evaluate: {interval: 100}
checkpoint: {interval: 40}
)";

Json without_speed(const fs::path& run) {
  Json summary = read_json(run / "summary.json");
  summary.erase("steps_per_second");
  return summary;
}

std::string without_name(const fs::path& run) {
  std::string text;
  for (const std::string& line : lines_of(read_file(run / "config.yaml"))) {
    if (line.rfind("  name: ", 0) != 0) text += line + "\n";
  }
  return text;
}

}  // namespace

Workspace::Workspace() {
  std::string pattern = (fs::temp_directory_path() / "gradquake-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  path_ = pattern;
  write_file(path_ / "small.yaml", kConfig);
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Arguments Workspace::train(const std::string& name, const Arguments& overrides) {
  Arguments arguments{"train", "small.yaml", "run.name=" + name};
  arguments.insert(arguments.end(), overrides.begin(), overrides.end());
  return arguments;
}

fs::path Workspace::trained(const std::string& name, const Arguments& overrides) const {
  const Result result = run(train(name, overrides));
  EXPECT_EQ(result.status, 0) << result.err;
  return run_path(name);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

std::vector<Json> read_lines(const fs::path& path) {
  std::vector<Json> lines;
  for (const std::string& line : lines_of(read_file(path))) lines.push_back(Json::parse(line));
  return lines;
}

Json read_json(const fs::path& path) { return Json::parse(read_file(path)); }

void write_images(const fs::path& folder) {
  constexpr int kCount = 300, kSide = 8;
  const std::string count{0, 0, char(kCount >> 8), char(kCount & 0xFF)}, side{0, 0, 0, kSide};
  std::minstd_rand random(1);
  fs::create_directory(folder);
  for (const std::string part : {"train", "t10k"}) {
    std::string images = std::string{0, 0, 8, 3} + count + side + side, labels = std::string{0, 0, 8, 1} + count;
    for (int i = 0; i < kCount * kSide * kSide; ++i) images += static_cast<char>(random() % 256);
    for (int i = 0; i < kCount; ++i) labels += static_cast<char>(random() % 10);
    write_file(folder / (part + "-images-idx3-ubyte"), images);
    write_file(folder / (part + "-labels-idx1-ubyte"), labels);
  }
}

std::vector<std::string> tree(const fs::path& folder) {
  std::vector<std::string> paths;
  if (!fs::exists(folder)) return paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    paths.push_back(entry.path().lexically_relative(folder).string());  // asks no file system: it may be gone by now
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> checkpoints(const fs::path& run) {
  std::vector<std::string> names = tree(run / "checkpoints");
  std::erase_if(names, [](const std::string& name) { return fs::path(name).extension() != ".ckpt"; });
  return names;
}

void expect_same_run(const fs::path& run, const fs::path& expected) {
  for (const char* name : kRecordFiles) EXPECT_TRUE(read_file(run / name) == read_file(expected / name)) << name;
  EXPECT_TRUE(read_file(run / "weights.safetensors") == read_file(expected / "weights.safetensors"))
      << "weights.safetensors";
  EXPECT_EQ(without_name(run), without_name(expected));
  EXPECT_EQ(without_speed(run).dump(1), without_speed(expected).dump(1));
  for (const std::string& path : tree(run)) EXPECT_EQ(path.find(".tmp"), std::string::npos) << path;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

fs::path data_folder() {
  const char* given = std::getenv("GRADQUAKE_DATA");
  const fs::path folder = given != nullptr ? fs::path(given) : fs::path(GRADQUAKE_SOURCE_DIR) / "../shared/data";
  return fs::exists(folder) ? fs::canonical(folder) : fs::path();
}

}  // namespace gradquake::end_to_end
