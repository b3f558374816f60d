// A kind and its parameters as data: what a config says, or a caller writes. Torch-free.
//
//   KindSpec{"gaussian", {{"scale", 0.1}, {"draw", "per_sample"}}}
//   KindSpec{"every", {{"interval", 100}, {"amplitude", KindSpec{"decay", {{"power", 0.5}}}}}}
//
// What is left out takes its default where the kind is made (KindGroup::complete, registry.h); a factory gets every
// declared parameter.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake {

struct KindSpec;

// One value: null, flag, integer, number, text, a list of one of them, a nested kind (a list of one), mappings.
class GRADQUAKE_EXPORT KindValue {
 public:
  using Held = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                            std::vector<double>, std::vector<std::string>, std::vector<KindSpec>>;

  KindValue();
  // NOLINTBEGIN(google-explicit-constructor): a spec is written with plain values.
  KindValue(bool value);
  KindValue(int value);
  KindValue(std::int64_t value);
  KindValue(double value);
  KindValue(const char* value);
  KindValue(std::string value);
  KindValue(std::vector<std::int64_t> value);
  KindValue(std::vector<double> value);
  KindValue(std::vector<std::string> value);
  KindValue(KindSpec value);
  KindValue(std::vector<KindSpec> value);
  // NOLINTEND(google-explicit-constructor)
  KindValue(const KindValue& other);
  KindValue(KindValue&& other) noexcept;
  KindValue& operator=(const KindValue& other);
  KindValue& operator=(KindValue&& other) noexcept;
  ~KindValue();

  const Held& held() const { return held_; }
  bool is_null() const { return std::holds_alternative<std::monostate>(held_); }
  // "0.1", "'relu'", "[1, 2]", "{kind: decay, power: 0.5}": as a config would write it.
  std::string text() const;

 private:
  Held held_;
};

struct NamedValue;

struct GRADQUAKE_EXPORT KindSpec {
  KindSpec();
  // NOLINTBEGIN(google-explicit-constructor): a kind without parameters is its name.
  KindSpec(std::string name, std::initializer_list<NamedValue> given = {});
  KindSpec(const char* name, std::initializer_list<NamedValue> given = {});
  // NOLINTEND(google-explicit-constructor)
  KindSpec(const KindSpec& other);
  KindSpec(KindSpec&& other) noexcept;
  KindSpec& operator=(const KindSpec& other);
  KindSpec& operator=(KindSpec&& other) noexcept;
  ~KindSpec();

  // Adds a parameter, or replaces it.
  KindSpec& set(const std::string& name, KindValue value);
  const KindValue* find(const std::string& name) const;
  bool has(const std::string& name) const;  // there, and not null

  // Each throws std::invalid_argument where the parameter is absent or of another type. An integer is a number too.
  double number(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  bool flag(const std::string& name) const;
  const std::string& text(const std::string& name) const;  // of a text, a path or a choice
  std::vector<double> numbers(const std::string& name) const;
  const std::vector<std::int64_t>& integers(const std::string& name) const;
  const std::vector<std::string>& texts(const std::string& name) const;
  const KindSpec& nested(const std::string& name) const;
  const std::vector<KindSpec>& mappings(const std::string& name) const;  // their `kind` is ""
  // nullopt where absent or null.
  std::optional<double> optional_number(const std::string& name) const;
  std::optional<std::int64_t> optional_integer(const std::string& name) const;

  std::string kind;
  std::vector<NamedValue> values;  // in declaration order once complete
};

struct NamedValue {
  std::string name;
  KindValue value;
};

// "quantise step 0.5, ties even": the kind and its parameters in words; parameters named in `without` are left out.
GRADQUAKE_EXPORT std::string words_of(const KindSpec& spec, const std::vector<std::string>& without = {});

}  // namespace gradquake
