// What tests of runs share: how a run is watched, and what it wrote.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gradquake/run/run.h"

namespace gradquake::run {

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// The options with what `watch` sees the run with.
inline Options watched(Options options, const Options& watch) {
  options.log = watch.log;
  options.progress = watch.progress;
  options.stop_requested = watch.stop_requested;
  options.callbacks = watch.callbacks;
  return options;
}

}  // namespace gradquake::run
