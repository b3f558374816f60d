// A file that is whole or absent after a crash.
#pragma once

#include <string>

namespace gradquake::model {

// Writes `bytes` beside `path`, syncs, and renames over it. Throws UserError with the system's reason.
void replace_file(const std::string& path, const std::string& bytes);

}  // namespace gradquake::model
