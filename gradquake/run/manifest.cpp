#include "gradquake/run/manifest.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gradquake/run/version.h"

namespace gradquake::run {
namespace {

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

nlohmann::json git_revision() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen("git rev-parse HEAD 2>/dev/null", "r"), ::pclose);
  std::array<char, 64> line{};
  if (!pipe || !std::fgets(line.data(), static_cast<int>(line.size()), pipe.get())) return nullptr;
  std::string revision = line.data();
  while (!revision.empty() && revision.back() == '\n') revision.pop_back();
  if (revision.empty()) return nullptr;
  return revision;
}

std::string manifest(std::uint64_t seed, std::int64_t threads, DeviceKind device, Dtype dtype) {
  nlohmann::ordered_json json;
  json["gradquake"] = kVersion;
  json["libtorch"] = TORCH_VERSION;
  json["compiler"] = __VERSION__;
  json["seed"] = seed;
  json["threads"] = threads;
  json["device"] = to_text(device);
  json["dtype"] = to_text(dtype);
  json["processor"] = processor();
  json["working_directory"] = std::filesystem::current_path().string();
  json["git_revision"] = git_revision();
  return json.dump(2) + "\n";
}

}  // namespace

std::string manifest_json(const train::Task& task) {
  return manifest(task.seed, at::get_num_threads(), task.device.is_cuda() ? DeviceKind::kCuda : DeviceKind::kCpu,
                  train::dtype_of(task) == at::kDouble ? Dtype::kFloat64 : Dtype::kFloat32);
}

std::string manifest_json(const RunConfig& config) {
  return manifest(config.run.seed, config.run.threads, config.run.device, config.run.dtype);
}

}  // namespace gradquake::run
