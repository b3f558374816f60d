// The version of gradquake; the build checks it against the project's.
#pragma once

namespace gradquake::run {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace gradquake::run
