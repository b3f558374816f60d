#include "gradquake/hooks/kind_spec.h"

#include <algorithm>
#include <utility>

#include "gradquake/hooks/range.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace {

template <class T>
const T& value_as(const KindSpec& spec, const std::string& name, const char* type) {
  const KindValue* const value = spec.find(name);
  const T* const held = value == nullptr ? nullptr : std::get_if<T>(&value->held());
  if (held != nullptr) return *held;
  detail::refuse(std::string(type) + " as parameter " + name + " of kind '" + spec.kind + "'",
                 value == nullptr ? "nothing" : value->text());
}

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::int64_t value) { return std::to_string(value); }
std::string text_of(double value) { return shortest(value); }
std::string text_of(const std::string& value) { return value.empty() ? "''" : value; }

std::string text_of(const KindSpec& spec) {
  std::string text = spec.kind.empty() ? "" : "kind: " + spec.kind;
  for (const auto& [name, value] : spec.values) text += (text.empty() ? "" : ", ") + name + ": " + value.text();
  return "{" + text + "}";
}

template <class T>
std::string text_of(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + text_of(value);
  return "[" + text + "]";
}

struct TextOfHeld {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(const std::vector<KindSpec>& specs) const {
    if (specs.size() != 1 || specs.front().kind.empty()) return text_of(specs);
    return specs.front().values.empty() ? specs.front().kind : text_of(specs.front());
  }
  template <class T>
  std::string operator()(const T& value) const {
    return text_of(value);
  }
};

}  // namespace

KindValue::KindValue() = default;
KindValue::KindValue(bool value) : held_(value) {}
KindValue::KindValue(int value) : held_(std::int64_t{value}) {}
KindValue::KindValue(std::int64_t value) : held_(value) {}
KindValue::KindValue(double value) : held_(value) {}
KindValue::KindValue(const char* value) : held_(std::string(value)) {}
KindValue::KindValue(std::string value) : held_(std::move(value)) {}
KindValue::KindValue(std::vector<std::int64_t> value) : held_(std::move(value)) {}
KindValue::KindValue(std::vector<double> value) : held_(std::move(value)) {}
KindValue::KindValue(std::vector<std::string> value) : held_(std::move(value)) {}
KindValue::KindValue(KindSpec value) : held_(std::vector<KindSpec>{std::move(value)}) {}
KindValue::KindValue(std::vector<KindSpec> value) : held_(std::move(value)) {}
KindValue::KindValue(const KindValue& other) = default;
KindValue::KindValue(KindValue&& other) noexcept = default;
KindValue& KindValue::operator=(const KindValue& other) = default;
KindValue& KindValue::operator=(KindValue&& other) noexcept = default;
KindValue::~KindValue() = default;

std::string KindValue::text() const { return std::visit(TextOfHeld{}, held_); }

KindSpec::KindSpec() = default;
KindSpec::KindSpec(std::string name, std::initializer_list<NamedValue> given) : kind(std::move(name)), values(given) {}
KindSpec::KindSpec(const char* name, std::initializer_list<NamedValue> given) : kind(name), values(given) {}
KindSpec::KindSpec(const KindSpec& other) = default;
KindSpec::KindSpec(KindSpec&& other) noexcept = default;
KindSpec& KindSpec::operator=(const KindSpec& other) = default;
KindSpec& KindSpec::operator=(KindSpec&& other) noexcept = default;
KindSpec::~KindSpec() = default;

KindSpec& KindSpec::set(const std::string& name, KindValue value) {
  const auto found = std::find_if(values.begin(), values.end(), [&](const NamedValue& v) { return v.name == name; });
  if (found == values.end())
    values.push_back({name, std::move(value)});
  else
    found->value = std::move(value);
  return *this;
}

const KindValue* KindSpec::find(const std::string& name) const {
  const auto found = std::find_if(values.begin(), values.end(), [&](const NamedValue& v) { return v.name == name; });
  return found == values.end() ? nullptr : &found->value;
}

bool KindSpec::has(const std::string& name) const {
  const KindValue* const value = find(name);
  return value != nullptr && !value->is_null();
}

double KindSpec::number(const std::string& name) const {
  const KindValue* const value = find(name);
  if (value != nullptr) {
    if (const auto* integer = std::get_if<std::int64_t>(&value->held())) return static_cast<double>(*integer);
  }
  return value_as<double>(*this, name, "a number");
}

std::int64_t KindSpec::integer(const std::string& name) const {
  return value_as<std::int64_t>(*this, name, "an integer");
}

bool KindSpec::flag(const std::string& name) const { return value_as<bool>(*this, name, "a flag"); }

const std::string& KindSpec::text(const std::string& name) const {
  return value_as<std::string>(*this, name, "a text");
}

std::vector<double> KindSpec::numbers(const std::string& name) const {
  const KindValue* const value = find(name);
  if (value != nullptr) {
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value->held()))
      return {integers->begin(), integers->end()};
  }
  return value_as<std::vector<double>>(*this, name, "numbers");
}

const std::vector<std::int64_t>& KindSpec::integers(const std::string& name) const {
  return value_as<std::vector<std::int64_t>>(*this, name, "integers");
}

const std::vector<std::string>& KindSpec::texts(const std::string& name) const {
  return value_as<std::vector<std::string>>(*this, name, "texts");
}

const KindSpec& KindSpec::nested(const std::string& name) const {
  const auto& held = mappings(name);
  if (held.size() == 1) return held.front();
  detail::refuse("one kind as parameter " + name + " of kind '" + kind + "'", find(name)->text());
}

const std::vector<KindSpec>& KindSpec::mappings(const std::string& name) const {
  return value_as<std::vector<KindSpec>>(*this, name, "a kind or mappings");
}

std::optional<double> KindSpec::optional_number(const std::string& name) const {
  return has(name) ? std::optional(number(name)) : std::nullopt;
}

std::optional<std::int64_t> KindSpec::optional_integer(const std::string& name) const {
  return has(name) ? std::optional(integer(name)) : std::nullopt;
}

std::string words_of(const KindSpec& spec, const std::vector<std::string>& without) {
  std::string words;
  for (const auto& [name, value] : spec.values) {
    if (std::find(without.begin(), without.end(), name) != without.end()) continue;
    words.append(words.empty() ? " " : ", ").append(name).append(" ").append(value.text());
  }
  return spec.kind + words;
}

}  // namespace gradquake
