#include "gradquake/config/kind_reader.h"

#include <utility>

namespace gradquake::config {
namespace {

// A default of the parameter as the type that Reader takes.
template <class T>
T default_of(const Parameter& parameter) {
  const T* const held = parameter.default_value ? std::get_if<T>(&parameter.default_value->held()) : nullptr;
  return held == nullptr ? T() : *held;
}

double default_number(const Parameter& parameter) {
  if (!parameter.default_value) return 0;
  const auto* const integer = std::get_if<std::int64_t>(&parameter.default_value->held());
  return integer != nullptr ? static_cast<double>(*integer) : default_of<double>(parameter);
}

template <class T>
KindValue value_of(std::optional<T> value) {
  return value ? KindValue(std::move(*value)) : KindValue();
}

// A default that is null reads as nullopt.
template <class T>
std::optional<T> nullable_default(const Parameter& parameter, T value) {
  return parameter.default_value && !parameter.default_value->is_null() ? std::optional(value) : std::nullopt;
}

KindValue read_nested(Reader& reader, const Parameter& parameter) {
  const KindGroup& group = parameter.group();
  const auto specs = default_of<std::vector<KindSpec>>(parameter);
  const KindSpec def = specs.empty() ? KindSpec(default_of<std::string>(parameter)) : specs.front();
  const bool given = reader.has(parameter.name);
  const bool bare = !given && !def.kind.empty() && group.find(def.kind).parameters.empty();
  if (!bare && !reader.is_scalar(parameter.name))
    return read_kind_section(reader, parameter.name, group, given ? KindSpec(def.kind) : def);
  const KindInfo info = group.find(reader.choice(parameter.name, def.kind, group.names()));
  const auto incomplete = [&](const std::string& key, const std::string& got) {
    reader.fail(parameter.name, "expected a mapping {kind: " + info.name + ", " + key + ": ...}, got " + got);
  };
  KindSpec spec(info.name);
  for (const Parameter& inner : info.parameters) {
    if (inner.required()) incomplete(inner.name, "'" + info.name + "'");
    if (inner.default_value) spec.set(inner.name, *inner.default_value);
  }
  if (info.check) {
    if (const auto problem = info.check(spec)) incomplete(problem->parameter, "'" + info.name + "'");
  }
  return group.complete(spec);
}

KindValue read_parameter(Reader& reader, const Parameter& parameter);

KindValue read_mappings(Reader& reader, const Parameter& parameter) {
  std::vector<KindSpec> specs;
  for (Reader& section : reader.list(parameter.name)) {
    KindSpec spec;
    for (const Parameter& field : parameter.fields) {
      if (field.required()) section.require(field.name);
      spec.set(field.name, read_parameter(section, field));
    }
    section.finish();
    specs.push_back(std::move(spec));
  }
  return specs;
}

KindValue read_parameter(Reader& reader, const Parameter& parameter) {
  const std::string& name = parameter.name;
  switch (parameter.type) {
    case ParameterType::kNumber: {
      const double def = default_number(parameter);
      if (!parameter.nullable) return reader.number(name, def, parameter.range);
      return value_of(reader.number_or_null(name, nullable_default(parameter, def), parameter.range));
    }
    case ParameterType::kInteger: {
      const auto def = default_of<std::int64_t>(parameter);
      if (!parameter.nullable) return reader.integer(name, def, parameter.least, parameter.most);
      return value_of(reader.integer_or_null(name, nullable_default(parameter, def), parameter.least, parameter.most));
    }
    case ParameterType::kFlag:
      return reader.boolean(name, default_of<bool>(parameter));
    case ParameterType::kText:
    case ParameterType::kPath: {
      const auto def = default_of<std::string>(parameter);
      if (parameter.nullable) return value_of(reader.text_or_null(name, nullable_default(parameter, def)));
      std::string text = reader.text(name, def);
      if (parameter.type == ParameterType::kPath && text.empty())
        reader.fail(name, "expected " + parameter.meaning + ", got ''");
      return text;
    }
    case ParameterType::kChoice:
      return reader.choice(name, default_of<std::string>(parameter), parameter.choices);
    case ParameterType::kNumbers:
      return reader.numbers(name, default_of<std::vector<double>>(parameter), parameter.range);
    case ParameterType::kIntegers:
      return reader.integers(name, default_of<std::vector<std::int64_t>>(parameter), parameter.least, parameter.most);
    case ParameterType::kTexts:
      return reader.texts(name, default_of<std::vector<std::string>>(parameter));
    case ParameterType::kKind:
      return read_nested(reader, parameter);
    case ParameterType::kMappings:
      break;
  }
  return read_mappings(reader, parameter);
}

}  // namespace

KindSpec read_kind(Reader& reader, const KindGroup& group, const KindSpec& def) {
  if (def.kind.empty()) reader.require("kind");
  KindSpec spec(reader.choice("kind", def.kind, group.names()));
  const KindInfo info = group.find(spec.kind);
  for (Parameter parameter : info.parameters) {
    if (const KindValue* const value = def.find(parameter.name); value != nullptr && spec.kind == def.kind)
      parameter.default_value = *value;
    if (!parameter.condition.empty() && !spec.flag(parameter.condition)) continue;
    if (parameter.may_be_absent && !reader.has(parameter.name)) continue;
    if (parameter.required()) reader.require(parameter.name);
    spec.set(parameter.name, read_parameter(reader, parameter));
  }
  if (info.check) {
    if (const auto problem = info.check(spec)) reader.fail(problem->parameter, problem->message);
  }
  return spec;
}

KindSpec read_kind_section(Reader& reader, const std::string& key, const KindGroup& group, const KindSpec& def) {
  Reader section = reader.section(key);
  KindSpec spec = read_kind(section, group, def);
  section.finish();
  return spec;
}

}  // namespace gradquake::config
