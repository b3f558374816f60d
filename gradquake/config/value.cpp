#include "gradquake/config/value.h"

#include <algorithm>
#include <utility>

#include "gradquake/config/scalars.h"
#include "gradquake/core/error.h"

namespace gradquake::config {

std::string Source::place(Place place) const {
  if (place.override_index >= 0) {
    const std::string text = one_line(overrides.at(static_cast<std::size_t>(place.override_index)));
    return "override '" + text + "'";
  }
  std::string text = one_line(name);
  if (place.line > 0) text.append(":").append(std::to_string(place.line));
  return text;
}

void Source::fail(Place where, const std::string& message) const {
  throw UserError("config", place(where) + ": " + message);
}

const Entry* Value::find(const std::string& key) const {
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  return entry == entries.end() ? nullptr : &*entry;
}

Entry* Value::find(const std::string& key) { return const_cast<Entry*>(std::as_const(*this).find(key)); }

std::string describe(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kList:
      return "a list";
    case Value::Kind::kMapping:
      return "a mapping";
    case Value::Kind::kScalar:
      break;
  }
  const std::string text = one_line(value.text);
  if (!looks_like_number(value.text)) return std::string("'").append(text).append("'");
  return value.quoted ? std::string("the text '").append(text).append("'") : text;
}

std::string one_line(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  constexpr const char* kHex = "0123456789abcdef";
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool starts_character = (byte & 0xC0u) != 0x80u;
    if (starts_character && line.size() >= kLongest) return line + "...";
    if (c == '\n')
      line += "\\n";
    else if (c == '\t')
      line += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      line += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    else
      line += c;
  }
  return line;
}

}  // namespace gradquake::config
