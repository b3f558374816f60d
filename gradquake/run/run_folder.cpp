#include "gradquake/run/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
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
  for (const auto& entry : fs::directory_iterator(out))
    if (entry.path().filename().string().rfind(prefix, 0) == 0) fs::remove_all(entry.path());
}

// Puts `fresh` where `place` is, which moves to `fresh`: no moment without either. False where the system cannot.
bool exchange(const fs::path& fresh, const fs::path& place) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) == 0;
#else
  (void)fresh, (void)place;
  return false;
#endif
}

}  // namespace

bool RunFolder::finished() const { return fs::exists(file("summary.json")); }

RunFolder create_run_folder(const fs::path& path, const std::string& manifest, const std::string& config,
                            bool overwrite) {
  const RunFolder folder{path};
  const fs::path out = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  const std::string name = path.filename().string();
  try {
    if (fs::exists(path) && !overwrite) {
      throw UserError("run", fmt::format("expected a new run folder, got {}, which exists (--overwrite replaces it, "
                                         "run.name=... names another)",
                                         path.string()));
    }
    if (fs::exists(path) && !fs::exists(folder.file("manifest.json"))) {
      throw UserError("run", fmt::format("expected --overwrite to replace a run folder, got {}, which holds no "
                                         "manifest.json",
                                         path.string()));
    }
    fs::create_directories(out);
    remove_leftovers(out, name);
    const fs::path fresh = out / (temporary_prefix(name) + std::to_string(::getpid()));
    fs::create_directories(fresh / "checkpoints");
    if (!config.empty()) write_file("run", fresh / "config.yaml", config);
    write_file("run", fresh / "manifest.json", manifest);
    if (fs::exists(path) && exchange(fresh, path)) {
      fs::remove_all(fresh);
    } else if (fs::exists(path)) {
      const fs::path old = out / (temporary_prefix(name) + "old-" + std::to_string(::getpid()));
      fs::rename(path, old);
      fs::rename(fresh, path);
      fs::remove_all(old);
    } else {
      fs::rename(fresh, path);
    }
    sync_folder(out);
  } catch (const fs::filesystem_error& error) {
    if (is_full(error.code())) throw DiskError("run", "make", path, error.code());
    throw UserError("run", fmt::format("expected to make {}, got {}", path.string(), error.code().message()));
  }
  return folder;
}

RunFolder create_run_folder(const RunConfig& config, bool overwrite) {
  return create_run_folder(fs::path(config.run.out) / config.run.name, manifest_json(config), config.resolved,
                           overwrite);
}

RunFolder open_run_folder(const fs::path& path) {
  RunFolder folder{path};
  if (fs::exists(folder.file("manifest.json")) && !fs::exists(folder.file("config.yaml"))) {
    throw UserError("run", fmt::format("expected a run that a config describes, got {}, which a program of its own "
                                       "made: start that program again",
                                       path.string()));
  }
  if (!fs::exists(folder.file("config.yaml")) || !fs::exists(folder.file("manifest.json"))) {
    throw UserError("run",
                    fmt::format("expected a run folder with config.yaml and manifest.json, got {}", path.string()));
  }
  return folder;
}

void remove_temporary_files(const RunFolder& folder) {
  std::vector<fs::path> left;
  for (const fs::path& place : {folder.path, folder.checkpoints()}) {
    if (!fs::is_directory(place)) continue;
    for (const auto& entry : fs::directory_iterator(place))
      if (entry.path().filename().string().find(".tmp") != std::string::npos) left.push_back(entry.path());
  }
  for (const fs::path& path : left) fs::remove(path);
}

}  // namespace gradquake::run
