// Guards the bytes of a config before YAML sees them.
#pragma once

#include <optional>
#include <string>

namespace gradquake::config {

struct BadByte {
  int line = 0;         // counted from 1
  std::string problem;  // "expected ..., got ..."
};

// The first byte that a config may not hold: invalid UTF-8 (overlong forms and surrogates included), a control
// character other than tab and newline, or a tab in a line's indentation.
std::optional<BadByte> find_bad_byte(const std::string& text);

// The length of the UTF-8 character at `at`, 0 where it is invalid.
std::size_t character_length(const std::string& text, std::size_t at);

// Without a byte order mark, and with every CR LF as LF.
std::string normalized(const std::string& text);

}  // namespace gradquake::config
