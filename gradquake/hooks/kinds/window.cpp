#include <array>
#include <cstdio>

#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {

Window::Window(const KindSpec& spec) : from(spec.integer("from")), until(spec.optional_integer("until")) {}

std::string Window::describe() const {
  std::string text;
  if (from > 0) text += " from step " + std::to_string(from);
  if (until) text += " until step " + std::to_string(*until);
  return text;
}

std::vector<Parameter> with_window(std::vector<Parameter> own) {
  own.push_back(Parameter::integer("from", "first step").at_least(0).in_units("steps").by_default(0));
  own.push_back(
      Parameter::integer("until", "the step behind the last; null: no end").at_least(0).in_units("steps").or_null());
  return own;
}

std::optional<KindProblem> check_window(const KindSpec& spec) {
  const Window window(spec);
  if (!window.until || *window.until >= window.from) return std::nullopt;
  return KindProblem{"until", "expected an integer >= " + std::to_string(window.from) + " or null, got " +
                                  std::to_string(*window.until)};
}

std::string short_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

}  // namespace gradquake::kinds
