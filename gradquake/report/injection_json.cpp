#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

std::string to_line(const InjectionRecord& injection) {
  return JsonText()
      .field("step", injection.step)
      .field("rule", injection.rule)
      .field("site", injection.site)
      .field("direction", injection.direction)
      .field("occurrence", injection.occurrence)
      .field("elements", injection.elements)
      .field("norm", injection.norm)
      .field("relative_norm", injection.relative_norm)
      .take();
}

template <>
InjectionRecord from_line(const nlohmann::json& line) {
  InjectionRecord injection;
  injection.step = line.at("step");
  injection.rule = line.at("rule");
  injection.site = line.at("site");
  injection.direction = line.at("direction");
  injection.occurrence = line.at("occurrence");
  injection.elements = line.at("elements");
  injection.norm = number_at(line, "norm");
  injection.relative_norm = number_at(line, "relative_norm");
  return injection;
}

}  // namespace gradquake::report
