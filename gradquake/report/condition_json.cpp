#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

std::string to_line(const Condition& condition) {
  return JsonText()
      .field("name", condition.name)
      .text_or_null("equation", condition.equation)
      .text_or_null("variant", condition.variant)
      .field("value", condition.value)
      .field("threshold", condition.threshold)
      .field("margin", condition.margin)
      .field("holds", condition.holds)
      .text_or_null("note", condition.note)
      .take();
}

template <>
Condition from_line(const nlohmann::json& line) {
  Condition condition;
  condition.name = line.at("name");
  condition.equation = text_at(line, "equation");
  condition.variant = text_at(line, "variant");
  condition.value = optional_at<double>(line, "value");
  condition.threshold = optional_at<double>(line, "threshold");
  condition.margin = optional_at<double>(line, "margin");
  condition.holds = optional_at<bool>(line, "holds");
  condition.note = text_at(line, "note");
  return condition;
}

}  // namespace gradquake::report
