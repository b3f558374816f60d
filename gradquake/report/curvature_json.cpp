#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

std::string to_line(const CurvatureRecord& curvature) {
  return JsonText()
      .field("step", curvature.step)
      .field("lambda_max", curvature.lambda_max)
      .field("lambda_min", curvature.lambda_min)
      .field("lambda_min_bound", curvature.lambda_min_bound)
      .field("smoothness", curvature.smoothness)
      .field("gamma_L", curvature.gamma_L)
      .field("products", static_cast<std::int64_t>(curvature.products))
      .take();
}

template <>
CurvatureRecord from_line(const nlohmann::json& line) {
  return {
      line.at("step"),
      number_at(line, "lambda_max"),
      optional_at<double>(line, "lambda_min"),
      line.contains("lambda_min_bound") ? optional_at<double>(line, "lambda_min_bound") : std::nullopt,  // 0.1 has none
      number_at(line, "smoothness"),
      number_at(line, "gamma_L"),
      line.at("products")};
}

}  // namespace gradquake::report
