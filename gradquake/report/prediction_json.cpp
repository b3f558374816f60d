#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {
namespace {

// An unsaid equation or reason is "" in predictions.jsonl.
nlohmann::ordered_json spelled_out(const Prediction& prediction) {
  auto json = nlohmann::ordered_json::parse(to_line(prediction));
  for (const char* text : {"equation", "reason"})
    if (json[text].is_null()) json[text] = "";
  return json;
}

}  // namespace

std::string to_line(const Prediction& prediction) {
  return JsonText()
      .field("value", prediction.value)
      .text_or_null("equation", prediction.equation)
      .text_or_null("reason", prediction.reason)
      .take();
}

template <>
Prediction from_line(const nlohmann::json& line) {
  return {optional_at<double>(line, "value"), text_at(line, "equation"), text_at(line, "reason")};
}

std::string to_line(const SpikePrediction& one) {
  return nlohmann::ordered_json{{"step", one.step},
                                {"learning_rate", one.learning_rate},
                                {"level", or_null(one.level)},
                                {"loss", or_null(one.loss)},
                                {"grad_error", or_null(one.grad_error)},
                                {"displacement", or_null(one.displacement)},
                                {"excess", or_null(one.excess)},
                                {"lambda_max", or_null(one.lambda_max)},
                                {"smoothness", or_null(one.smoothness)},
                                {"pl", or_null(one.pl)},
                                {"gradient_variance", or_null(one.gradient_variance)},
                                {"local", spelled_out(one.local)},
                                {"displaced", spelled_out(one.displaced)},
                                {"bound", spelled_out(one.bound)}}
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

template <>
SpikePrediction from_line(const nlohmann::json& line) {
  SpikePrediction one;
  one.step = line.at("step");
  one.learning_rate = number_at(line, "learning_rate");
  one.level = optional_at<double>(line, "level");
  one.loss = optional_at<double>(line, "loss");
  one.grad_error = optional_at<double>(line, "grad_error");
  one.displacement = optional_at<double>(line, "displacement");
  one.excess = optional_at<double>(line, "excess");
  one.lambda_max = optional_at<double>(line, "lambda_max");
  one.smoothness = optional_at<double>(line, "smoothness");
  one.pl = optional_at<double>(line, "pl");
  one.gradient_variance = optional_at<double>(line, "gradient_variance");
  one.local = from_line<Prediction>(line.at("local"));
  one.displaced = from_line<Prediction>(line.at("displaced"));
  one.bound = from_line<Prediction>(line.at("bound"));
  return one;
}

}  // namespace gradquake::report
