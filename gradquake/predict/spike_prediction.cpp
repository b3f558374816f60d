#include "gradquake/predict/spike_prediction.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "gradquake/report/optional_json.h"

namespace gradquake::predict {
namespace {

using Json = nlohmann::ordered_json;
using report::optional_at;
using report::or_null;

Json to_json(const Prediction& one) {
  return {{"value", or_null(one.value)}, {"equation", one.equation}, {"reason", one.reason}};
}

Prediction prediction(const Json& one) {
  return {optional_at<double>(one, "value"), one.at("equation").get<std::string>(),
          one.at("reason").get<std::string>()};
}

}  // namespace

std::string prediction_line(const SpikePrediction& one) {
  return Json{{"step", one.step},
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
              {"local", to_json(one.local)},
              {"displaced", to_json(one.displaced)},
              {"bound", to_json(one.bound)}}
      .dump();
}

std::vector<SpikePrediction> read_predictions(const std::filesystem::path& path) {
  std::vector<SpikePrediction> predictions;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const Json line = Json::parse(text);
    SpikePrediction one;
    one.step = line.at("step").get<std::int64_t>();
    one.learning_rate = line.at("learning_rate").get<double>();
    one.level = optional_at<double>(line, "level");
    one.loss = optional_at<double>(line, "loss");
    one.grad_error = optional_at<double>(line, "grad_error");
    one.displacement = optional_at<double>(line, "displacement");
    one.excess = optional_at<double>(line, "excess");
    one.lambda_max = optional_at<double>(line, "lambda_max");
    one.smoothness = optional_at<double>(line, "smoothness");
    one.pl = optional_at<double>(line, "pl");
    one.gradient_variance = optional_at<double>(line, "gradient_variance");
    one.local = prediction(line.at("local"));
    one.displaced = prediction(line.at("displaced"));
    one.bound = prediction(line.at("bound"));
    predictions.push_back(std::move(one));
  }
  return predictions;
}

}  // namespace gradquake::predict
