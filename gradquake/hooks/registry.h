// One declaration a kind: its name, what it is, its parameters, how it is made. The config reader, the resolved copy,
// the errors with the nearest name, `gradquake kinds` and the key tables of configs/README.md all come from it.
//
//   KindInfo quantise() {
//     return {"quantise", "rounds to multiples of a step",
//             {Parameter::number("step", "distance of two values").in(Range::positive()),
//              Parameter::choice("ties", {"even", "away"}, "where a half goes").by_default("even")}};
//   }
//   perturbations().add(quantise(), [](const KindSpec& spec) { return std::make_unique<Quantise>(spec.number("step"));
//   });
//
// A group (perturbation, schedule, model, ...) is one Registry, made by a function of the room that owns it: one a
// process, safe from several threads. A parameter without by_default, or_null or optional is required.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"
#include "gradquake/hooks/range.h"

namespace gradquake {

class KindGroup;

enum class ParameterType {
  kNumber,
  kInteger,
  kFlag,
  kText,
  kPath,  // relative to the working directory; not empty
  kChoice,
  kNumbers,
  kIntegers,
  kTexts,
  kKind,      // a kind of another group
  kMappings,  // a list of mappings, each with the keys of `fields`
};

struct GRADQUAKE_EXPORT Parameter {
  static Parameter number(std::string name, std::string meaning);
  static Parameter integer(std::string name, std::string meaning);
  static Parameter flag(std::string name, std::string meaning);
  static Parameter text(std::string name, std::string meaning);
  static Parameter path(std::string name, std::string meaning);
  static Parameter choice(std::string name, std::vector<std::string> choices, std::string meaning);
  static Parameter numbers(std::string name, std::string meaning);
  static Parameter integers(std::string name, std::string meaning);
  static Parameter texts(std::string name, std::string meaning);
  static Parameter kind(std::string name, const KindGroup& (*group)(), std::string meaning);
  static Parameter mappings(std::string name, std::vector<Parameter> fields, std::string meaning);

  Parameter in(Range allowed) &&;              // of a number, or of each of a list
  Parameter at_least(std::int64_t lowest) &&;  // of an integer, or of each of a list
  Parameter between(std::int64_t lowest, std::int64_t highest) &&;
  Parameter in_units(std::string name) &&;
  Parameter by_default(KindValue value) &&;
  Parameter or_null() &&;                              // null allowed, and the default
  Parameter optional() &&;                             // may be left out, and is then absent
  Parameter only_with(std::string flag_parameter) &&;  // known only where that flag, declared before, is true

  bool required() const { return !default_value && !may_be_absent; }
  // "an integer >= 1", "one of relu, tanh": what a value has to be.
  std::string expected() const;
  // "number", "list of integers", "amplitude kind".
  std::string type_name() const;

  std::string name;
  ParameterType type = ParameterType::kNumber;
  std::string meaning;
  std::string unit = {};
  std::optional<KindValue> default_value = {};
  bool nullable = false;
  bool may_be_absent = false;
  std::string condition = {};  // the flag of only_with
  Range range = {};
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> choices = {};
  const KindGroup& (*group)() = nullptr;
  std::vector<Parameter> fields = {};
};

// What is wrong with values that are each right: `message` says "expected ..., got ...".
struct KindProblem {
  std::string parameter;
  std::string message;
};

struct KindInfo {
  std::string name;
  std::string summary;  // one line
  std::vector<Parameter> parameters = {};
  // Looks at complete values; nullopt: nothing is wrong.
  std::function<std::optional<KindProblem>(const KindSpec&)> check = {};
  // "objective" -> "logistic": the kind that is the default of another group where this one is chosen.
  std::map<std::string, std::string> companions = {};
  // Of complete values: why what the kind does at a step depends on the run's length ("has a horizon amplitude"), so
  // that a run cannot be prolonged unchanged; nullopt: it does not.
  std::function<std::optional<std::string>(const KindSpec&)> length_dependence = {};
};

// Parameters that every kind of a group has, before and behind its own.
struct CommonParameters {
  std::vector<Parameter> before = {};
  std::vector<Parameter> after = {};
};

class GRADQUAKE_EXPORT KindGroup {
 public:
  virtual ~KindGroup();
  KindGroup(const KindGroup&) = delete;
  KindGroup& operator=(const KindGroup&) = delete;

  const std::string& name() const { return name_; }  // "perturbation", "model", ...
  // The built-in kinds in the order of their table, then the added ones by name.
  std::vector<std::string> names() const;
  std::vector<KindInfo> kinds() const;
  // Throws std::invalid_argument, naming the nearest kind, where it is unknown.
  KindInfo find(const std::string& kind) const;

  // The spec with every declared parameter, in declaration order. Throws std::invalid_argument on an unknown kind or
  // parameter (naming the nearest), a missing one, a wrong type, a value out of its range, or what the kind's check
  // finds.
  KindSpec complete(const KindSpec& spec) const;
  // What `length_dependence` of the kind, or of a kind nested in it, says of the completed spec.
  std::optional<std::string> length_dependence(const KindSpec& spec) const;

 protected:
  struct Entry {
    KindInfo info;
    std::any factory;
  };
  KindGroup(std::string name, CommonParameters common) : name_(std::move(name)), common_(std::move(common)) {}
  // Throws std::invalid_argument where the name is empty or taken, or a default lies outside its own range.
  void add_entry(Entry entry, bool built_in);
  std::any factory_of(const std::string& kind) const;

 private:
  const Entry& entry_of(const std::string& kind) const;  // under the lock

  const std::string name_;
  const CommonParameters common_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::size_t built_in_ = 0;
};

// Factory: a std::function.
template <class Factory>
class Registry : public KindGroup {
 public:
  using Kind = std::pair<KindInfo, Factory>;

  Registry(std::string name, std::vector<Kind> built_in, CommonParameters common = {})
      : KindGroup(std::move(name), std::move(common)) {
    for (auto& [info, factory] : built_in) add_entry({std::move(info), checked(factory)}, true);
  }

  void add(KindInfo info, Factory factory) { add_entry({std::move(info), checked(factory)}, false); }
  // A copy, to be called outside the lock.
  Factory factory(const std::string& kind) const { return std::any_cast<Factory>(factory_of(kind)); }

 private:
  static std::any checked(Factory& factory) { return factory ? std::any(std::move(factory)) : std::any(); }
};

}  // namespace gradquake
