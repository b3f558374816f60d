// What the pictures share. Private to the sources of this folder.
#pragma once

#include <string>
#include <string_view>

namespace gradquake::report {

// Text of an element; control characters, which no XML may hold, become spaces.
std::string escaped(std::string_view text);

}  // namespace gradquake::report
