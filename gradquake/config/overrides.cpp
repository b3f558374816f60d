#include "gradquake/config/overrides.h"

#include <utility>

#include "gradquake/config/parse.h"
#include "gradquake/config/scalars.h"
#include "gradquake/config/utf8.h"

namespace gradquake::config {
namespace {

Value& item_at(Value& list, const std::string& part, const std::string& path, const Source& source, Place place) {
  const bool digits = part.find_first_not_of("0123456789") == std::string::npos;
  const auto index = digits ? parse_integer(part) : std::nullopt;
  if (!index || static_cast<std::size_t>(*index) >= list.items.size()) {
    const std::string range = list.items.empty() ? "no index, for the list is empty"
                                                 : "an index from 0 to " + std::to_string(list.items.size() - 1);
    source.fail(place, one_line(path) + ": expected " + range + ", got '" + one_line(part) + "'");
  }
  return list.items[static_cast<std::size_t>(*index)];
}

// The entry under `part`, made where missing. The entry that the override replaces now stands at `place`.
Value& entry_at(Value& mapping, const std::string& part, bool replaced, Place place) {
  Entry* entry = mapping.find(part);
  if (entry == nullptr)
    entry = &mapping.entries.emplace_back(Entry{.key = part, .place = place, .value = {.place = place, .entries = {}}});
  else if (replaced)
    entry->place = place;
  return entry->value;
}

}  // namespace

std::vector<std::string> split_dotted(const std::string& dotted, const Source& source, Place place) {
  std::vector<std::string> parts(1);
  for (const char c : dotted)
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  for (const std::string& part : parts)
    if (part.empty()) source.fail(place, "expected dotted.key=value, got an empty key");
  return parts;
}

void apply_override(Value& tree, const Source& source, int index) {
  const Place place{.override_index = index};
  const std::string& text = source.overrides.at(static_cast<std::size_t>(index));
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) source.fail(place, "expected dotted.key=value, got no '='");
  const std::string dotted = text.substr(0, equals);
  if (const auto bad = find_bad_byte(dotted)) source.fail(place, bad->problem);
  const std::vector<std::string> parts = split_dotted(dotted, source, place);
  if (parts.size() > kMostLevels)
    source.fail(place, "expected at most " + std::to_string(kMostLevels) + " levels, got more");
  Value value = parse_yaml(text.substr(equals + 1), source, index);

  Value* at = &tree;
  std::string path;
  for (std::size_t level = 0; level < parts.size(); ++level) {
    const std::string& part = parts[level];
    if (at->kind == Value::Kind::kNull) at->kind = Value::Kind::kMapping;
    if (at->kind == Value::Kind::kScalar)
      source.fail(place, one_line(path) + ": expected a mapping or a list to step into, got " + describe(*at));
    path += (path.empty() ? "" : ".") + part;
    if (at->kind == Value::Kind::kList)
      at = &item_at(*at, part, path, source, place);
    else
      at = &entry_at(*at, part, level + 1 == parts.size(), place);
  }
  *at = std::move(value);
}

}  // namespace gradquake::config
