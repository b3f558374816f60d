// The known name closest to a misspelt one.
#pragma once

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::config {

// By edit distance (insert, delete, replace, swap of neighbours; case ignored), the first of equals; "" where none is
// known. Only the first 64 bytes count.
GRADQUAKE_EXPORT std::string nearest(const std::string& name, const std::vector<std::string>& known);

}  // namespace gradquake::config
