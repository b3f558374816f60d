#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

std::string to_line(const EvaluationRecord& evaluation) {
  JsonText text;
  text.field("step", evaluation.step).field("loss", evaluation.loss).field("accuracy", evaluation.accuracy);
  for (const auto& [name, value] : evaluation.metrics) text.field(name, value);
  return text.take();
}

template <>
EvaluationRecord from_line(const nlohmann::json& line) {
  return {line.at("step"), number_at(line, "loss"), optional_at<double>(line, "accuracy"), metrics_of(line)};
}

}  // namespace gradquake::report
