// A checkpoint on disk: named byte strings in one file, whole or absent, checked by CRC-32.
//
//   "GQCKPT01" | count u32 | count x (name length u32, name, size u64, bytes) | CRC-32 of all before u32   little
//   endian
//
// Written aside, synced, renamed, and the folder synced, so that kill -9 at any moment leaves the previous files whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::train {

using CheckpointSections = std::map<std::string, std::string>;

// <folder>/step-<step>.ckpt
GRADQUAKE_EXPORT std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::int64_t step);

GRADQUAKE_EXPORT void write_checkpoint(const std::filesystem::path& path, const CheckpointSections& sections);

// Null, with the reason, where the file is missing, cut off or changed.
GRADQUAKE_EXPORT std::optional<CheckpointSections> read_checkpoint(const std::filesystem::path& path,
                                                                   std::string* reason);

// Checkpoints of a folder by step, newest first. Left-over temporary files are not among them.
GRADQUAKE_EXPORT std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

// Removes all but the newest `keep`.
GRADQUAKE_EXPORT void prune_checkpoints(const std::filesystem::path& folder, std::int64_t keep);

}  // namespace gradquake::train
