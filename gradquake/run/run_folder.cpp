#include "gradquake/run/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/run/manifest.h"

namespace gradquake::run {
namespace {

namespace fs = std::filesystem;

std::string temporary_prefix(const std::string& name) { return "." + name + ".new-"; }

void remove_leftovers(const fs::path& out, const std::string& name) {
  const std::string prefix = temporary_prefix(name);
  for (const auto& entry : fs::directory_iterator(out)) {
    if (entry.path().filename().string().rfind(prefix, 0) == 0) fs::remove_all(entry.path());
  }
}

}  // namespace

bool RunFolder::finished() const { return fs::exists(file("summary.json")); }

void write_text_atomically(const fs::path& path, const std::string& text) {
  if (const std::error_code error = replace_file(path, text)) {
    throw UserError("study", fmt::format("expected to write {}, got {}", path.string(), error.message()));
  }
}

RunFolder create_run_folder(const RunConfig& config, bool overwrite) {
  const fs::path out = config.run.out;
  const RunFolder folder{out / config.run.name};
  try {
    if (fs::exists(folder.path) && !overwrite) {
      throw UserError("study", fmt::format("expected a new run folder, got {}, which exists (--overwrite replaces it, "
                                           "run.name=... names another)",
                                           folder.path.string()));
    }
    if (fs::exists(folder.path) && !fs::exists(folder.file("config.yaml"))) {
      throw UserError("study", fmt::format("expected --overwrite to replace a run folder, got {}, which holds no "
                                           "config.yaml",
                                           folder.path.string()));
    }
    fs::create_directories(out);
    remove_leftovers(out, config.run.name);
    const fs::path fresh = out / (temporary_prefix(config.run.name) + std::to_string(::getpid()));
    fs::create_directories(fresh / "checkpoints");
    write_text_atomically(fresh / "config.yaml", config.resolved);
    write_text_atomically(fresh / "manifest.json", manifest_json(config));
    if (fs::exists(folder.path)) {
      const fs::path old = out / (temporary_prefix(config.run.name) + "old-" + std::to_string(::getpid()));
      fs::rename(folder.path, old);
      fs::rename(fresh, folder.path);
      fs::remove_all(old);
    } else {
      fs::rename(fresh, folder.path);
    }
    sync_folder(out);
  } catch (const fs::filesystem_error& error) {
    throw UserError("study", fmt::format("expected to make {}, got {}", folder.path.string(), error.code().message()));
  }
  return folder;
}

RunFolder open_run_folder(const fs::path& path) {
  RunFolder folder{path};
  if (!fs::exists(folder.file("config.yaml")) || !fs::exists(folder.file("manifest.json"))) {
    throw UserError("study",
                    fmt::format("expected a run folder with config.yaml and manifest.json, got {}", path.string()));
  }
  return folder;
}

void remove_temporary_files(const RunFolder& folder) {
  std::vector<fs::path> left;
  for (const fs::path& place : {folder.path, folder.checkpoints()}) {
    if (!fs::is_directory(place)) continue;
    for (const auto& entry : fs::directory_iterator(place)) {
      if (entry.path().filename().string().find(".tmp") != std::string::npos) left.push_back(entry.path());
    }
  }
  for (const fs::path& path : left) fs::remove(path);
}

}  // namespace gradquake::run
