#include "gradquake/config/emit.h"

#include <algorithm>

#include "gradquake/config/scalars.h"

namespace gradquake::config {
namespace {

constexpr std::size_t kWidth = 100;

bool is_flat(const Value& value) {
  const auto is_leaf = [](const Value& v) { return v.items.empty() && v.entries.empty(); };
  return std::all_of(value.items.begin(), value.items.end(), is_leaf) &&
         std::all_of(value.entries.begin(), value.entries.end(), [&](const Entry& e) { return is_leaf(e.value); });
}

std::string inline_text(const Value& value) {
  std::string text;
  switch (value.kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kScalar:
      return value.quoted ? write_text(value.text) : value.text;
    case Value::Kind::kList:
      for (const Value& item : value.items) text += (text.empty() ? "" : ", ") + inline_text(item);
      return "[" + text + "]";
    case Value::Kind::kMapping:
      for (const Entry& entry : value.entries)
        text += (text.empty() ? "" : ", ") + write_text(entry.key) + ": " + inline_text(entry.value);
      return "{" + text + "}";
  }
  return text;
}

// The value after "key:" or "-". `level`: 1 for the values of the top mapping.
void emit_value(const Value& value, std::size_t level, std::string& out);

void emit_entries(const Value& mapping, std::size_t level, bool indent_first, std::string& out) {
  for (const Entry& entry : mapping.entries) {
    if (indent_first || &entry != &mapping.entries.front()) out.append(2 * level, ' ');
    out += write_text(entry.key) + ":";
    emit_value(entry.value, level + 1, out);
  }
}

void emit_value(const Value& value, std::size_t level, std::string& out) {
  const bool section = level == 1 && value.kind == Value::Kind::kMapping;
  const bool block =
      !is_flat(value) || section || (value.kind == Value::Kind::kMapping && inline_text(value).size() > kWidth);
  if (!block || (value.items.empty() && value.entries.empty())) {
    out.append(" ").append(inline_text(value)).append("\n");
  } else if (value.kind == Value::Kind::kMapping) {
    out += "\n";
    emit_entries(value, level, true, out);
  } else {
    out += "\n";
    for (const Value& item : value.items) {
      out.append(2 * level, ' ');
      out += "-";
      if (item.kind == Value::Kind::kMapping && !item.entries.empty()) {
        out += " ";
        emit_entries(item, level + 1, false, out);
      } else {
        emit_value(item, level + 1, out);
      }
    }
  }
}

}  // namespace

std::string emit(const Value& mapping) {
  if (mapping.entries.empty()) return "{}\n";
  std::string out;
  emit_entries(mapping, 0, true, out);
  return out;
}

}  // namespace gradquake::config
