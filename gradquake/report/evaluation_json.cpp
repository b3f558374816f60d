#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

std::string to_line(const EvaluationRecord& evaluation) {
  return JsonText()
      .field("step", evaluation.step)
      .field("loss", evaluation.loss)
      .field("accuracy", evaluation.accuracy)
      .take();
}

template <>
EvaluationRecord from_line(const nlohmann::json& line) {
  return {line.at("step"), number_at(line, "loss"), optional_at<double>(line, "accuracy")};
}

}  // namespace gradquake::report
