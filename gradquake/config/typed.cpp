#include "gradquake/config/typed.h"

#include "gradquake/config/scalars.h"

namespace gradquake::config {
std::optional<double> as_number(const Value& value, const Range& range) {
  if (value.kind != Value::Kind::kScalar || value.quoted) return std::nullopt;
  const std::optional<double> number = parse_number(value.text);
  return number && contains(range, *number) ? number : std::nullopt;
}

std::optional<std::int64_t> as_integer(const Value& value, std::int64_t min, std::int64_t max) {
  if (value.kind != Value::Kind::kScalar || value.quoted) return std::nullopt;
  const std::optional<std::int64_t> integer = parse_integer(value.text);
  return integer && *integer >= min && *integer <= max ? integer : std::nullopt;
}

std::optional<std::string> as_text(const Value& value) {
  return value.kind == Value::Kind::kScalar ? std::optional(value.text) : std::nullopt;
}

std::optional<bool> as_boolean(const Value& value) {
  if (value.kind != Value::Kind::kScalar || value.quoted) return std::nullopt;
  if (value.text == "true" || value.text == "True" || value.text == "TRUE") return true;
  if (value.text == "false" || value.text == "False" || value.text == "FALSE") return false;
  return std::nullopt;
}

}  // namespace gradquake::config
