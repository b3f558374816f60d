#include "gradquake/run/kind_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "gradquake/core/error.h"
#include "gradquake/data/registry.h"
#include "gradquake/hooks/nearest.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"
#include "gradquake/model/registry.h"
#include "gradquake/run/callback_registry.h"
#include "gradquake/train/learning_rate.h"
#include "gradquake/train/objective.h"
#include "gradquake/train/optimizer.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::run {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct JsonOfHeld {
  OrderedJson operator()(std::monostate) const { return nullptr; }
  OrderedJson operator()(const std::vector<KindSpec>& specs) const {
    OrderedJson list = OrderedJson::array();
    for (const KindSpec& spec : specs) list.push_back(words_of(spec));
    return list;
  }
  template <class T>
  OrderedJson operator()(const T& value) const {
    return value;
  }
};

OrderedJson parameter_json(const Parameter& parameter) {
  OrderedJson json{{"name", parameter.name}, {"type", parameter.type_name()}, {"required", parameter.required()}};
  if (parameter.default_value) json["default"] = value_json(*parameter.default_value);
  json["allowed"] = parameter.expected();
  if (!parameter.unit.empty()) json["unit"] = parameter.unit;
  json["meaning"] = parameter.meaning;
  if (!parameter.condition.empty()) json["only_with"] = parameter.condition;
  if (parameter.type == ParameterType::kKind) json["group"] = parameter.group().name();
  for (const Parameter& field : parameter.fields) json["fields"].push_back(parameter_json(field));
  return json;
}

// "0.1", "required", "absent".
std::string default_text(const Parameter& parameter) {
  if (parameter.default_value) return parameter.default_value->text();
  return parameter.required() ? "required" : "absent";
}

std::string meaning_text(const Parameter& parameter) {
  std::string text = parameter.meaning;
  if (!parameter.unit.empty()) text += ", in " + parameter.unit;
  if (!parameter.condition.empty()) text += " (with " + parameter.condition + ": true)";
  for (const Parameter& field : parameter.fields)
    text += fmt::format("; {}: {}, default {}", field.name, field.expected(), default_text(field));
  return text;
}

std::string in_table(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

OrderedJson value_json(const KindValue& value) { return std::visit(JsonOfHeld{}, value.held()); }

std::vector<const KindGroup*> kind_groups() {
  std::vector<const KindGroup*> groups = {
      &data::datasets(),      &model::models(),     &train::objectives(),
      &train::regularizers(), &train::optimizers(), &train::learning_rate_schedules(),
      &perturbations(),       &schedules(),         &amplitudes()};
  if (!callbacks().names().empty()) groups.push_back(&callbacks());  // all of them are a user's own
  return groups;
}

const KindGroup& group_named(const std::string& name) {
  std::vector<std::string> names;
  for (const KindGroup* group : kind_groups()) {
    if (group->name() == name) return *group;
    names.push_back(group->name());
  }
  throw UserError("kinds", fmt::format("expected a group of {}, got '{}' (nearest: {})", fmt::join(names, ", "), name,
                                       detail::nearest(name, names)));
}

KindInfo kind_named(const KindGroup& group, const std::string& name) {
  const std::vector<std::string> names = group.names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return group.find(name);
  throw UserError("kinds", fmt::format("expected a {} kind of {}, got '{}' (nearest: {})", group.name(),
                                       fmt::join(names, ", "), name, detail::nearest(name, names)));
}

OrderedJson kind_json(const KindInfo& kind) {
  OrderedJson json{{"name", kind.name}, {"summary", kind.summary}, {"parameters", OrderedJson::array()}};
  for (const Parameter& parameter : kind.parameters) json["parameters"].push_back(parameter_json(parameter));
  return json;
}

OrderedJson group_json(const KindGroup& group) {
  OrderedJson json{{"group", group.name()}, {"kinds", OrderedJson::array()}};
  for (const KindInfo& kind : group.kinds()) json["kinds"].push_back(kind_json(kind));
  return json;
}

std::string kind_text(const KindInfo& kind) {
  std::string text = fmt::format("{}: {}\n", kind.name, kind.summary);
  std::size_t name_width = 3, allowed_width = 7, default_width = 7;
  for (const Parameter& parameter : kind.parameters) {
    name_width = std::max(name_width, parameter.name.size());
    allowed_width = std::max(allowed_width, parameter.expected().size());
    default_width = std::max(default_width, default_text(parameter).size());
  }
  if (kind.parameters.empty()) return text + "  no keys of its own\n";
  const auto line = [&](const std::string& name, const std::string& allowed, const std::string& def,
                        const std::string& meaning) {
    text += fmt::format("  {:<{}}  {:<{}}  {:<{}}  {}\n", name, name_width, allowed, allowed_width, def, default_width,
                        meaning);
  };
  line("key", "allowed", "default", "meaning");
  for (const Parameter& parameter : kind.parameters)
    line(parameter.name, parameter.expected(), default_text(parameter), meaning_text(parameter));
  return text;
}

std::string group_text(const KindGroup& group) {
  std::string text = group.name() + "\n";
  std::size_t width = 0;
  for (const KindInfo& kind : group.kinds()) width = std::max(width, kind.name.size());
  for (const KindInfo& kind : group.kinds()) text += fmt::format("  {:<{}}  {}\n", kind.name, width, kind.summary);
  return text;
}

std::string group_markdown(const KindGroup& group) {
  std::string text =
      fmt::format("### {}\n\n| kind | key | allowed | default | meaning |\n|---|---|---|---|---|\n", group.name());
  for (const KindInfo& kind : group.kinds()) {
    text += fmt::format("| `{}` | | | | {} |\n", kind.name, in_table(kind.summary));
    for (const Parameter& parameter : kind.parameters) {
      text += fmt::format("| | `{}` | {} | `{}` | {} |\n", parameter.name, in_table(parameter.expected()),
                          in_table(default_text(parameter)), in_table(meaning_text(parameter)));
    }
  }
  return text;
}

}  // namespace gradquake::run
