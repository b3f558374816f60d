// The folder of one run: appears atomically with its config.yaml and manifest.json, is never overwritten unasked.
//
// Everything is prepared in a hidden temporary folder beside it (".<name>.new-<pid>") and renamed into place, or
// exchanged with the folder that it replaces, in one step where the system can; what an interrupted start left behind
// is removed by the next one.
#pragma once

#include <filesystem>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/run/run_config.h"

namespace gradquake::run {

struct RunFolder {
  std::filesystem::path path;
  std::filesystem::path file(const std::string& name) const { return path / name; }
  std::filesystem::path checkpoints() const { return path / "checkpoints"; }
  bool finished() const;  // summary.json is there: written last
};

// Makes <out>/<name>. Throws UserError where it exists and `overwrite` is false, or cannot be made; DiskError where the
// disk is full.
GRADQUAKE_EXPORT RunFolder create_run_folder(const RunConfig& config, bool overwrite);
// The same with these texts; no config.yaml where `config` is empty.
GRADQUAKE_EXPORT RunFolder create_run_folder(const std::filesystem::path& path, const std::string& manifest,
                                             const std::string& config, bool overwrite);

// An existing run. Throws UserError where `path` is not the folder of a run that a config describes.
GRADQUAKE_EXPORT RunFolder open_run_folder(const std::filesystem::path& path);

// Files that a killed process was writing aside. For the one process that trains the run.
GRADQUAKE_EXPORT void remove_temporary_files(const RunFolder& folder);

}  // namespace gradquake::run
