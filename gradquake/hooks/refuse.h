// The one sentence with which hooks/ refuses what it was given. Internal to hooks/.
#pragma once

#include <stdexcept>
#include <string>

namespace gradquake::detail {

[[noreturn]] inline void refuse(const std::string& expected, const std::string& got) {
  throw std::invalid_argument("[hooks] expected " + expected + ", got " + got);
}

// The same about one site; `message`: "expected ..., got ...".
[[noreturn]] inline void refuse_at(const std::string& site, const std::string& message) {
  throw std::invalid_argument("[hooks] site '" + site + "': " + message);
}

}  // namespace gradquake::detail
