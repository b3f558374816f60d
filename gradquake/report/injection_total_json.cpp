#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

std::string to_line(const InjectionTotal& total) {
  return JsonText()
      .field("from", total.from)
      .field("until", total.until)
      .field("rule", total.rule)
      .field("site", total.site)
      .field("direction", total.direction)
      .field("injections", total.injections)
      .field("elements", total.elements)
      .field("norm", total.norm)
      .field("largest_norm", total.largest_norm)
      .field("largest_relative_norm", total.largest_relative_norm)
      .take();
}

template <>
InjectionTotal from_line(const nlohmann::json& line) {
  InjectionTotal total;
  total.from = line.at("from");
  total.until = line.at("until");
  total.rule = line.at("rule");
  total.site = line.at("site");
  total.direction = line.at("direction");
  total.injections = line.at("injections");
  total.elements = line.at("elements");
  total.norm = number_at(line, "norm");
  total.largest_norm = number_at(line, "largest_norm");
  total.largest_relative_norm = number_at(line, "largest_relative_norm");
  return total;
}

}  // namespace gradquake::report
