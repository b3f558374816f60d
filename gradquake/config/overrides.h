// Command-line overrides `dotted.key=value` laid over the tree of a file.
#pragma once

#include <string>
#include <vector>

#include "gradquake/config/value.h"

namespace gradquake::config {

// Applies source.overrides[index] to `tree`, a mapping. Throws UserError with the override as its place.
void apply_override(Value& tree, const Source& source, int index);

// "a.b.0" to its parts. Throws UserError at `place` where a part is empty.
std::vector<std::string> split_dotted(const std::string& dotted, const Source& source, Place place);

}  // namespace gradquake::config
