#include "gradquake/config/reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gradquake/config/nearest.h"
#include "gradquake/config/scalars.h"
#include "gradquake/config/scope.h"
#include "gradquake/core/error.h"

namespace gradquake::config {
namespace {

using Kind = Value::Kind;

Value plain(std::string text) { return {.kind = Kind::kScalar, .text = std::move(text)}; }
Value resolved_of(const std::string& text) { return {.kind = Kind::kScalar, .text = text, .quoted = true}; }
Value resolved_of(double number) { return plain(write_number(number)); }
Value resolved_of(std::int64_t integer) { return plain(std::to_string(integer)); }
Value resolved_of(bool boolean) { return plain(boolean ? "true" : "false"); }

template <typename T>
Value resolved_of(const std::optional<T>& value) {
  return value ? resolved_of(*value) : Value{};
}

template <typename T>
Value resolved_of(const std::vector<T>& values) {
  Value list{.kind = Kind::kList};
  for (const T& value : values) list.items.push_back(resolved_of(value));
  return list;
}

std::string bound(double value) {
  const std::string text = write_number(value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string expected_number(const Range& range) {
  if (std::isinf(range.min) && std::isinf(range.max)) return "a finite number";
  if (std::isinf(range.max)) return std::string("a number ") + (range.min_open ? "> " : ">= ") + bound(range.min);
  if (std::isinf(range.min)) return std::string("a number ") + (range.max_open ? "< " : "<= ") + bound(range.max);
  return std::string("a number in ") + (range.min_open ? "(" : "[") + bound(range.min) + ", " + bound(range.max) +
         (range.max_open ? ")" : "]");
}

std::string expected_integer(std::int64_t min, std::int64_t max) {
  if (max != Reader::kLargest) return "an integer in [" + std::to_string(min) + ", " + std::to_string(max) + "]";
  if (min == std::numeric_limits<std::int64_t>::min()) return "an integer";
  return "an integer >= " + std::to_string(min);
}

bool contains(const Range& range, double x) {
  return (range.min_open ? x > range.min : x >= range.min) && (range.max_open ? x < range.max : x <= range.max);
}

std::optional<double> as_number(const Value& value, const Range& range) {
  if (value.kind != Kind::kScalar || value.quoted) return std::nullopt;
  const std::optional<double> number = parse_number(value.text);
  return number && contains(range, *number) ? number : std::nullopt;
}

std::optional<std::int64_t> as_integer(const Value& value, std::int64_t min, std::int64_t max) {
  if (value.kind != Kind::kScalar || value.quoted) return std::nullopt;
  const std::optional<std::int64_t> integer = parse_integer(value.text);
  return integer && *integer >= min && *integer <= max ? integer : std::nullopt;
}

// Reads a key that is given and not null-as-absent by `parse`, and says what was `expected` where that fails.
template <typename T, typename Parse>
T read_key(Scope& scope, const Reader& reader, const std::string& key, const T& def, const std::string& expected,
           Parse parse) {
  T result = def;
  if (const Entry* entry = scope.take(key)) {
    const std::optional<T> given = parse(entry->value);
    if (!given) reader.fail(key, "expected " + expected + ", got " + describe(entry->value));
    result = *given;
  }
  Resolved& slot = scope.slot(key);
  slot.kind = Resolved::Kind::kValue;
  slot.value = resolved_of(result);
  return result;
}

// The same for a key that may be null.
template <typename T, typename Parse>
std::optional<T> read_nullable(Scope& scope, const Reader& reader, const std::string& key, const std::optional<T>& def,
                               const std::string& expected, Parse parse) {
  using Nullable = std::optional<T>;
  return read_key<Nullable>(scope, reader, key, def, expected + " or null",
                            [&](const Value& value) -> std::optional<Nullable> {
                              if (value.kind == Kind::kNull) return Nullable();
                              const Nullable given = parse(value);
                              return given ? std::optional<Nullable>(given) : std::nullopt;
                            });
}

template <typename T, typename Parse>
std::vector<T> read_list(Scope& scope, const Reader& reader, const std::string& key, const std::vector<T>& def,
                         const std::string& expected, Parse parse) {
  return read_key<std::vector<T>>(
      scope, reader, key, def, "a list, each " + expected, [&](const Value& value) -> std::optional<std::vector<T>> {
        if (value.kind != Kind::kList) return std::nullopt;
        std::vector<T> result;
        for (std::size_t i = 0; i < value.items.size(); ++i) {
          const std::optional<T> item = parse(value.items[i]);
          if (!item) {
            reader.fail(
                key, "expected " + expected + " at index " + std::to_string(i) + ", got " + describe(value.items[i]));
          }
          result.push_back(*item);
        }
        return result;
      });
}

std::optional<std::string> as_text(const Value& value) {
  return value.kind == Kind::kScalar ? std::optional(value.text) : std::nullopt;
}

std::optional<bool> as_boolean(const Value& value) {
  if (value.kind != Kind::kScalar || value.quoted) return std::nullopt;
  if (value.text == "true" || value.text == "True" || value.text == "TRUE") return true;
  if (value.text == "false" || value.text == "False" || value.text == "FALSE") return false;
  return std::nullopt;
}

std::shared_ptr<Scope> child(const Scope& parent, const std::string& path, const Value* mapping, Place place) {
  auto scope = std::make_shared<Scope>();
  scope->tree = parent.tree;
  scope->mapping = mapping;
  scope->place = place;
  scope->path = path;
  return scope;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Reader::Reader(std::shared_ptr<Scope> scope) : scope_(std::move(scope)) {}

double Reader::number(const std::string& key, double def, Range range) {
  return read_key(*scope_, *this, key, def, expected_number(range),
                  [&](const Value& value) { return as_number(value, range); });
}

std::optional<double> Reader::number_or_null(const std::string& key, std::optional<double> def, Range range) {
  return read_nullable(*scope_, *this, key, def, expected_number(range),
                       [&](const Value& value) { return as_number(value, range); });
}

std::int64_t Reader::integer(const std::string& key, std::int64_t def, std::int64_t min, std::int64_t max) {
  return read_key(*scope_, *this, key, def, expected_integer(min, max),
                  [&](const Value& value) { return as_integer(value, min, max); });
}

std::optional<std::int64_t> Reader::integer_or_null(const std::string& key, std::optional<std::int64_t> def,
                                                    std::int64_t min, std::int64_t max) {
  return read_nullable(*scope_, *this, key, def, expected_integer(min, max),
                       [&](const Value& value) { return as_integer(value, min, max); });
}

std::optional<std::int64_t> Reader::integer_or_word(const std::string& key, const std::string& word,
                                                    std::optional<std::int64_t> def, std::int64_t min,
                                                    std::int64_t max) {
  using Nullable = std::optional<std::int64_t>;
  const Nullable result = read_key<Nullable>(*scope_, *this, key, def, expected_integer(min, max) + " or " + word,
                                             [&](const Value& value) -> std::optional<Nullable> {
                                               if (as_text(value) == word) return Nullable();
                                               const Nullable given = as_integer(value, min, max);
                                               return given ? std::optional<Nullable>(given) : std::nullopt;
                                             });
  if (!result) scope_->slot(key).value = resolved_of(word);
  return result;
}

bool Reader::boolean(const std::string& key, bool def) {
  return read_key(*scope_, *this, key, def, "true or false", as_boolean);
}

std::string Reader::text(const std::string& key, const std::string& def) {
  return read_key(*scope_, *this, key, def, "text", as_text);
}

std::optional<std::string> Reader::text_or_null(const std::string& key, const std::optional<std::string>& def) {
  return read_nullable(*scope_, *this, key, def, "text", as_text);
}

std::string Reader::choice(const std::string& key, const std::string& def, const std::vector<std::string>& names) {
  const std::string chosen = read_key(*scope_, *this, key, def, "one of " + joined(names), as_text);
  if (scope_->look(key) != nullptr && std::find(names.begin(), names.end(), chosen) == names.end()) {
    fail(key, "expected one of " + joined(names) + ", got '" + one_line(chosen) +
                  "' (nearest: " + nearest(chosen, names) + ")");
  }
  return chosen;
}

std::vector<std::int64_t> Reader::integers(const std::string& key, const std::vector<std::int64_t>& def,
                                           std::int64_t min, std::int64_t max) {
  return read_list(*scope_, *this, key, def, expected_integer(min, max),
                   [&](const Value& value) { return as_integer(value, min, max); });
}

std::vector<double> Reader::numbers(const std::string& key, const std::vector<double>& def, Range range) {
  return read_list(*scope_, *this, key, def, expected_number(range),
                   [&](const Value& value) { return as_number(value, range); });
}

void Reader::require(const std::string& key) {
  if (scope_->look(key) == nullptr) fail(key, "expected a value, got nothing (the key is required)");
}

bool Reader::has(const std::string& key) const { return scope_->look(key) != nullptr; }

bool Reader::is_null(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kNull;
}

bool Reader::is_mapping(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kMapping;
}

bool Reader::is_list(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kList;
}

bool Reader::is_scalar(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kScalar;
}

Reader Reader::section(const std::string& key) {
  const Entry* entry = scope_->take(key);
  if (entry != nullptr && entry->value.kind != Kind::kMapping) {
    fail(key, "expected a mapping, got " + describe(entry->value));
  }
  Resolved& slot = scope_->slot(key);
  if (slot.kind != Resolved::Kind::kSection) {
    slot.kind = Resolved::Kind::kSection;
    slot.scopes = {child(*scope_, dotted(key), entry ? &entry->value : nullptr, entry ? entry->place : scope_->place)};
  }
  return Reader(slot.scopes.front());
}

std::vector<Reader> Reader::list(const std::string& key) {
  const Entry* entry = scope_->take(key);
  if (entry != nullptr && entry->value.kind != Kind::kList) {
    fail(key, "expected a list of mappings, got " + describe(entry->value));
  }
  Resolved& slot = scope_->slot(key);
  if (slot.kind != Resolved::Kind::kList) {
    slot.kind = Resolved::Kind::kList;
    for (std::size_t i = 0; entry != nullptr && i < entry->value.items.size(); ++i) {
      const Value& item = entry->value.items[i];
      const std::string path = dotted(key) + "." + std::to_string(i);
      if (item.kind != Kind::kMapping) {
        scope_->tree->source.fail(item.place, one_line(path) + ": expected a mapping, got " + describe(item));
      }
      slot.scopes.push_back(child(*scope_, path, &item, item.place));
    }
  }
  std::vector<Reader> readers;
  for (const auto& scope : slot.scopes) readers.push_back(Reader(scope));
  return readers;
}

std::map<std::string, double> Reader::remaining_numbers() {
  std::map<std::string, double> result;
  if (scope_->mapping == nullptr) return result;
  for (const Entry& entry : scope_->mapping->entries) {
    if (!scope_->read.contains(entry.key)) result[entry.key] = number(entry.key, 0);
  }
  return result;
}

void Reader::set_resolved(const std::string& key, const std::string& value) {
  Resolved& slot = scope_->slot(key);
  slot.kind = Resolved::Kind::kValue;
  slot.value = resolved_of(value);
}

void Reader::set_resolved(const std::string& key, const char* value) { set_resolved(key, std::string(value)); }

void Reader::set_resolved(const std::string& key, double value) {
  Resolved& slot = scope_->slot(key);
  slot.kind = Resolved::Kind::kValue;
  slot.value = resolved_of(value);
}

void Reader::set_resolved(const std::string& key, std::int64_t value) {
  Resolved& slot = scope_->slot(key);
  slot.kind = Resolved::Kind::kValue;
  slot.value = resolved_of(value);
}

void Reader::fail(const std::string& key, const std::string& message) const {
  throw UserError("config", place(key) + ": " + one_line(dotted(key)) + ": " + message);
}

std::string Reader::place(const std::string& key) const {
  const Entry* entry = scope_->mapping == nullptr ? nullptr : scope_->mapping->find(key);
  return scope_->tree->source.place(entry == nullptr ? scope_->place : entry->place);
}

std::string Reader::dotted(const std::string& key) const {
  return scope_->path.empty() ? key : scope_->path + "." + key;
}

void Reader::finish() {
  if (scope_->mapping == nullptr) return;
  for (const Entry& entry : scope_->mapping->entries) {
    if (scope_->read.contains(entry.key)) continue;
    const std::string close = nearest(entry.key, scope_->known);
    fail(entry.key, "expected a known key, got '" + one_line(entry.key) + "'" +
                        (close.empty() ? " (none is known here)" : " (nearest: " + close + ")"));
  }
}

}  // namespace gradquake::config
