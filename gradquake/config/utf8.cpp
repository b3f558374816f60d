#include "gradquake/config/utf8.h"

namespace gradquake::config {
namespace {

std::string hex_byte(unsigned char byte) {
  constexpr const char* kHex = "0123456789abcdef";
  return std::string("0x") + kHex[byte >> 4] + kHex[byte & 15];
}

}  // namespace

std::size_t character_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0u) != 0x80u) return 0;
  const unsigned second = byte(at + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool too_large = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

std::optional<BadByte> find_bad_byte(const std::string& text) {
  int line = 1;
  bool indentation = true;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = character_length(text, at);
    if (length == 0) return BadByte{line, "expected UTF-8 text, got the byte " + hex_byte(byte)};
    if (byte == '\n') {
      ++line;
      indentation = true;
    } else if (byte == '\t') {
      if (indentation) return BadByte{line, "expected spaces as indentation, got a tab"};
    } else if (byte < 0x20 || byte == 0x7F) {
      return BadByte{line, "expected text, got the control character " + hex_byte(byte)};
    } else if (byte != ' ') {
      indentation = false;
    }
    at += length;
  }
  return std::nullopt;
}

std::string normalized(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < text.size(); ++at) {
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') continue;
    result += text[at];
  }
  return result;
}

}  // namespace gradquake::config
