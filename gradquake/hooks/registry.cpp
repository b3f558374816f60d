#include "gradquake/hooks/registry.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "gradquake/hooks/nearest.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace {

Parameter made_parameter(ParameterType type, std::string name, std::string meaning) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.type = type;
  parameter.meaning = std::move(meaning);
  return parameter;
}

// The value in the parameter's own type (an integer becomes a number where one is wanted), or nullopt.
struct Converted {
  const Parameter& parameter;

  bool in_range(double x) const { return contains(parameter.range, x); }
  bool in_range(std::int64_t x) const { return x >= parameter.least && x <= parameter.most; }
  bool in_range(const std::string&) const { return true; }

  template <class T>
  std::optional<KindValue> list(const std::vector<T>& values) const {
    const bool inside = std::all_of(values.begin(), values.end(), [&](const T& x) { return in_range(x); });
    return inside ? std::optional<KindValue>(values) : std::nullopt;
  }

  std::optional<KindValue> operator()(std::monostate) const {
    return parameter.nullable ? std::optional<KindValue>(KindValue()) : std::nullopt;
  }
  std::optional<KindValue> operator()(bool value) const {
    return parameter.type == ParameterType::kFlag ? std::optional<KindValue>(value) : std::nullopt;
  }
  std::optional<KindValue> operator()(std::int64_t value) const {
    if (parameter.type == ParameterType::kNumber) return (*this)(static_cast<double>(value));
    return parameter.type == ParameterType::kInteger && in_range(value) ? std::optional<KindValue>(value)
                                                                        : std::nullopt;
  }
  std::optional<KindValue> operator()(double value) const {
    return parameter.type == ParameterType::kNumber && in_range(value) ? std::optional<KindValue>(value) : std::nullopt;
  }
  std::optional<KindValue> operator()(const std::string& value) const {
    const auto& choices = parameter.choices;
    switch (parameter.type) {
      case ParameterType::kText:
        return value;
      case ParameterType::kPath:
        return value.empty() ? std::nullopt : std::optional<KindValue>(value);
      case ParameterType::kChoice:
        return std::find(choices.begin(), choices.end(), value) == choices.end() ? std::nullopt
                                                                                 : std::optional<KindValue>(value);
      case ParameterType::kKind:
        return parameter.group().complete({value});
      default:
        return std::nullopt;
    }
  }
  std::optional<KindValue> operator()(const std::vector<std::int64_t>& values) const {
    if (parameter.type == ParameterType::kNumbers) return list(std::vector<double>(values.begin(), values.end()));
    return parameter.type == ParameterType::kIntegers ? list(values) : std::nullopt;
  }
  std::optional<KindValue> operator()(const std::vector<double>& values) const {
    return parameter.type == ParameterType::kNumbers ? list(values) : std::nullopt;
  }
  std::optional<KindValue> operator()(const std::vector<std::string>& values) const {
    return parameter.type == ParameterType::kTexts ? list(values) : std::nullopt;
  }
  std::optional<KindValue> operator()(const std::vector<KindSpec>& specs) const;
};

// Why `about` is refused, in one sentence.
[[noreturn]] void refuse_parameter(const std::string& about, const Parameter& parameter, const std::string& got) {
  detail::refuse_key(parameter.name, parameter.expected() + " as " + parameter.name + " of " + about, got);
}

std::vector<NamedValue> complete_values(const std::vector<Parameter>& parameters, const KindSpec& given,
                                        const std::string& about) {
  KindSpec complete;
  std::vector<std::string> known;
  for (const Parameter& parameter : parameters) {
    if (!parameter.condition.empty() && !complete.flag(parameter.condition)) continue;
    known.push_back(parameter.name);
    const KindValue* const value = given.find(parameter.name);
    if (value == nullptr && parameter.may_be_absent) continue;
    if (value == nullptr && parameter.required()) refuse_parameter(about, parameter, "nothing (it is required)");
    const KindValue& taken = value == nullptr ? *parameter.default_value : *value;
    std::optional<KindValue> converted = std::visit(Converted{parameter}, taken.held());
    if (!converted) refuse_parameter(about, parameter, taken.text());
    complete.set(parameter.name, std::move(*converted));
  }
  for (const auto& [name, unused] : given.values) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    detail::refuse("a parameter of " + about + ", nearest " + detail::nearest_names(name, known, 1), "'" + name + "'");
  }
  return complete.values;
}

std::optional<KindValue> Converted::operator()(const std::vector<KindSpec>& specs) const {
  if (parameter.type == ParameterType::kKind && specs.size() == 1) return parameter.group().complete(specs.front());
  if (parameter.type != ParameterType::kMappings) return std::nullopt;
  std::vector<KindSpec> complete;
  for (const KindSpec& spec : specs) {
    complete.emplace_back();
    complete.back().values = complete_values(parameter.fields, spec, "an element of " + parameter.name);
  }
  return complete;
}

void check_defaults(const KindInfo& info) {
  for (const Parameter& parameter : info.parameters) {
    if (!parameter.default_value || parameter.type == ParameterType::kKind) continue;
    if (!std::visit(Converted{parameter}, parameter.default_value->held()))
      refuse_parameter("kind '" + info.name + "' by default", parameter, parameter.default_value->text());
  }
}

}  // namespace

Parameter Parameter::number(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kNumber, std::move(name), std::move(meaning));
}
Parameter Parameter::integer(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kInteger, std::move(name), std::move(meaning));
}
Parameter Parameter::flag(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kFlag, std::move(name), std::move(meaning));
}
Parameter Parameter::text(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kText, std::move(name), std::move(meaning));
}
Parameter Parameter::path(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kPath, std::move(name), std::move(meaning));
}
Parameter Parameter::choice(std::string name, std::vector<std::string> choices, std::string meaning) {
  Parameter parameter = made_parameter(ParameterType::kChoice, std::move(name), std::move(meaning));
  parameter.choices = std::move(choices);
  return parameter;
}
Parameter Parameter::numbers(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kNumbers, std::move(name), std::move(meaning));
}
Parameter Parameter::integers(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kIntegers, std::move(name), std::move(meaning));
}
Parameter Parameter::texts(std::string name, std::string meaning) {
  return made_parameter(ParameterType::kTexts, std::move(name), std::move(meaning));
}
Parameter Parameter::kind(std::string name, const KindGroup& (*group)(), std::string meaning) {
  Parameter parameter = made_parameter(ParameterType::kKind, std::move(name), std::move(meaning));
  parameter.group = group;
  return parameter;
}
Parameter Parameter::mappings(std::string name, std::vector<Parameter> fields, std::string meaning) {
  Parameter parameter = made_parameter(ParameterType::kMappings, std::move(name), std::move(meaning));
  parameter.fields = std::move(fields);
  return parameter;
}

Parameter Parameter::in(Range allowed) && {
  range = allowed;
  return std::move(*this);
}
Parameter Parameter::at_least(std::int64_t lowest) && {
  least = lowest;
  return std::move(*this);
}
Parameter Parameter::between(std::int64_t lowest, std::int64_t highest) && {
  least = lowest;
  most = highest;
  return std::move(*this);
}
Parameter Parameter::in_units(std::string name_of_unit) && {
  unit = std::move(name_of_unit);
  return std::move(*this);
}
Parameter Parameter::by_default(KindValue value) && {
  default_value = std::move(value);
  return std::move(*this);
}
Parameter Parameter::or_null() && {
  nullable = true;
  default_value = KindValue();
  return std::move(*this);
}
Parameter Parameter::optional() && {
  may_be_absent = true;
  return std::move(*this);
}
Parameter Parameter::only_with(std::string flag_parameter) && {
  condition = std::move(flag_parameter);
  return std::move(*this);
}

std::string Parameter::expected() const {
  const auto one = [this]() -> std::string {
    switch (type) {
      case ParameterType::kNumber:
        return expected_number(range);
      case ParameterType::kInteger:
        return expected_integer(least, most);
      case ParameterType::kFlag:
        return "true or false";
      case ParameterType::kText:
        return "a text";
      case ParameterType::kPath:
        return "a path";
      case ParameterType::kChoice:
        return "one of " + detail::joined(choices);
      case ParameterType::kNumbers:
        return "a list, each " + expected_number(range);
      case ParameterType::kIntegers:
        return "a list, each " + expected_integer(least, most);
      case ParameterType::kTexts:
        return "a list of texts";
      case ParameterType::kKind:
        return "one of " + detail::joined(group().names());
      case ParameterType::kMappings:
        break;
    }
    return "a list of mappings";
  };
  return one() + (nullable ? " or null" : "");
}

std::string Parameter::type_name() const {
  switch (type) {
    case ParameterType::kNumber:
      return "number";
    case ParameterType::kInteger:
      return "integer";
    case ParameterType::kFlag:
      return "flag";
    case ParameterType::kText:
      return "text";
    case ParameterType::kPath:
      return "path";
    case ParameterType::kChoice:
      return "choice";
    case ParameterType::kNumbers:
      return "list of numbers";
    case ParameterType::kIntegers:
      return "list of integers";
    case ParameterType::kTexts:
      return "list of texts";
    case ParameterType::kKind:
      return group().name() + " kind";
    case ParameterType::kMappings:
      break;
  }
  return "list of mappings";
}

KindGroup::~KindGroup() = default;

std::vector<std::string> KindGroup::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.info.name);
  return names;
}

std::vector<KindInfo> KindGroup::kinds() const {
  const std::lock_guard lock(mutex_);
  std::vector<KindInfo> kinds;
  for (const Entry& entry : entries_) kinds.push_back(entry.info);
  return kinds;
}

KindInfo KindGroup::find(const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  return entry_of(kind).info;
}

std::any KindGroup::factory_of(const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  return entry_of(kind).factory;
}

const KindGroup::Entry& KindGroup::entry_of(const std::string& kind) const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.info.name == kind) return entry;
    names.push_back(entry.info.name);
  }
  detail::refuse("a known " + name_ + " kind, nearest " + detail::nearest_names(kind, names, 1), "'" + kind + "'");
}

KindSpec KindGroup::complete(const KindSpec& spec) const {
  const KindInfo info = find(spec.kind);
  KindSpec complete;
  complete.kind = spec.kind;
  complete.values = complete_values(info.parameters, spec, "kind '" + spec.kind + "'");
  if (info.check) {
    if (const auto problem = info.check(complete)) {
      throw std::invalid_argument("[hooks] " + name_ + " '" + spec.kind + "': " + problem->parameter + ": " +
                                  problem->message);
    }
  }
  return complete;
}

std::optional<std::string> KindGroup::length_dependence(const KindSpec& spec) const {
  const KindInfo info = find(spec.kind);
  const KindSpec whole = complete(spec);
  if (info.length_dependence) {
    if (auto reason = info.length_dependence(whole)) return reason;
  }
  for (const Parameter& parameter : info.parameters) {
    if (parameter.type != ParameterType::kKind || !whole.has(parameter.name)) continue;
    if (auto reason = parameter.group().length_dependence(whole.nested(parameter.name))) return reason;
  }
  return std::nullopt;
}

void KindGroup::add_entry(Entry entry, bool built_in) {
  if (entry.info.name.empty() || !entry.factory.has_value())
    detail::refuse("a name and a factory for a " + name_ + " kind", "none");
  auto& parameters = entry.info.parameters;
  parameters.insert(parameters.begin(), common_.before.begin(), common_.before.end());
  parameters.insert(parameters.end(), common_.after.begin(), common_.after.end());
  check_defaults(entry.info);
  const std::lock_guard lock(mutex_);
  const auto same = [&](const Entry& other) { return other.info.name == entry.info.name; };
  if (std::any_of(entries_.begin(), entries_.end(), same))
    detail::refuse("a new name for a " + name_ + " kind", "'" + entry.info.name + "', which is taken");
  const auto added = entries_.begin() + static_cast<std::ptrdiff_t>(built_in_);
  const auto behind = built_in ? entries_.end() : std::find_if(added, entries_.end(), [&](const Entry& other) {
    return other.info.name > entry.info.name;
  });
  entries_.insert(behind, std::move(entry));
  if (built_in) ++built_in_;
}

}  // namespace gradquake
