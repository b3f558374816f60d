// YAML text to a Value, by yaml-cpp's events rather than its nodes: the events keep duplicate keys and aliases apart,
// and stop at a limit before memory or the stack does.
#pragma once

#include <string>

#include "gradquake/config/value.h"

namespace gradquake::config {

constexpr std::size_t kMostBytes = 10u << 20;  // of a file, and of its scalars with aliases expanded
constexpr std::size_t kMostValues = 100'000;   // of a file, with aliases expanded
constexpr std::size_t kMostLevels = 64;        // of nesting

// Null for text without a value. `where`: the override the text belongs to, or the file. Throws UserError.
Value parse_yaml(const std::string& text, const Source& source, int override_index);

}  // namespace gradquake::config
