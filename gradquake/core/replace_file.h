// A file that is whole or absent after a crash: written beside its place as PATH.tmp, synced, renamed over it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "gradquake/hooks/export.h"

namespace gradquake {

// The system's reason where it fails; nothing of the attempt is left then.
[[nodiscard]] GRADQUAKE_EXPORT std::error_code replace_file(const std::filesystem::path& path, std::string_view bytes);

// The same; throws DiskError where it fails. `component`: who complains.
GRADQUAKE_EXPORT void write_file(const std::string& component, const std::filesystem::path& path,
                                 std::string_view bytes);

// The same for a file that a user named: throws UserError where it cannot be written, DiskError where the disk is full.
GRADQUAKE_EXPORT void write_result(const std::string& component, const std::filesystem::path& path,
                                   std::string_view bytes);

// A rename lasts only once its folder is on disk. Empty: the working directory.
GRADQUAKE_EXPORT void sync_folder(const std::filesystem::path& folder);

}  // namespace gradquake
