#include "gradquake/config/typed.h"

#include <cmath>
#include <limits>

#include "gradquake/config/scalars.h"

namespace gradquake::config {
namespace {

std::string bound(double value) {
  const std::string text = write_number(value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

bool contains(const Range& range, double x) {
  return (range.min_open ? x > range.min : x >= range.min) && (range.max_open ? x < range.max : x <= range.max);
}

}  // namespace

std::string expected_number(const Range& range) {
  if (std::isinf(range.min) && std::isinf(range.max)) return "a finite number";
  if (std::isinf(range.max)) return std::string("a number ") + (range.min_open ? "> " : ">= ") + bound(range.min);
  if (std::isinf(range.min)) return std::string("a number ") + (range.max_open ? "< " : "<= ") + bound(range.max);
  return std::string("a number in ") + (range.min_open ? "(" : "[") + bound(range.min) + ", " + bound(range.max) +
         (range.max_open ? ")" : "]");
}

std::string expected_integer(std::int64_t min, std::int64_t max) {
  if (max != std::numeric_limits<std::int64_t>::max())
    return "an integer in [" + std::to_string(min) + ", " + std::to_string(max) + "]";
  if (min == std::numeric_limits<std::int64_t>::min()) return "an integer";
  return "an integer >= " + std::to_string(min);
}

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
