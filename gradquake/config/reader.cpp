#include "gradquake/config/reader.h"

#include <algorithm>
#include <utility>

#include "gradquake/config/scalars.h"
#include "gradquake/config/scope.h"
#include "gradquake/config/typed.h"
#include "gradquake/hooks/nearest.h"

namespace gradquake::config {
namespace {

using Kind = Value::Kind;

Value plain(std::string text) { return {.kind = Kind::kScalar, .text = std::move(text), .entries = {}}; }
Value resolved_of(const std::string& text) {
  return {.kind = Kind::kScalar, .text = text, .quoted = true, .entries = {}};
}
Value resolved_of(double number) { return plain(write_number(number)); }
Value resolved_of(std::int64_t integer) { return plain(std::to_string(integer)); }
Value resolved_of(bool boolean) { return plain(boolean ? "true" : "false"); }

template <typename T>
Value resolved_of(const std::optional<T>& value) {
  return value ? resolved_of(*value) : Value{};
}

template <typename T>
Value resolved_of(const std::vector<T>& values) {
  Value list{.kind = Kind::kList, .entries = {}};
  for (const T& value : values) list.items.push_back(resolved_of(value));
  return list;
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
          if (!item)
            reader.fail(
                key, "expected " + expected + " at index " + std::to_string(i) + ", got " + describe(value.items[i]));
          result.push_back(*item);
        }
        return result;
      });
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
  const std::string chosen = read_key(*scope_, *this, key, def, "one of " + detail::joined(names), as_text);
  if (scope_->look(key) != nullptr && std::find(names.begin(), names.end(), chosen) == names.end()) {
    fail(key, "expected one of " + detail::joined(names) + ", got '" + one_line(chosen) +
                  "' (nearest: " + detail::nearest(chosen, names) + ")");
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

std::vector<std::string> Reader::texts(const std::string& key, const std::vector<std::string>& def) {
  return read_list(*scope_, *this, key, def, "text", as_text);
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

}  // namespace gradquake::config
