#include "gradquake/study/spike_prediction.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace gradquake::study {
namespace {

using Json = nlohmann::ordered_json;

// dump() writes a non-finite number as null.
Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::optional<double> number(const Json& line, const char* key) {
  return line.at(key).is_null() ? std::nullopt : std::optional<double>(line.at(key).get<double>());
}

Json to_json(const Prediction& one) {
  return {{"value", number(one.value)}, {"equation", one.equation}, {"reason", one.reason}};
}

Prediction prediction(const Json& one) {
  return {number(one, "value"), one.at("equation").get<std::string>(), one.at("reason").get<std::string>()};
}

}  // namespace

std::string prediction_line(const SpikePrediction& one) {
  return Json{{"step", one.step},
              {"learning_rate", one.learning_rate},
              {"level", number(one.level)},
              {"loss", number(one.loss)},
              {"grad_error", number(one.grad_error)},
              {"displacement", number(one.displacement)},
              {"excess", number(one.excess)},
              {"lambda_max", number(one.lambda_max)},
              {"smoothness", number(one.smoothness)},
              {"pl", number(one.pl)},
              {"gradient_variance", number(one.gradient_variance)},
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
    one.level = number(line, "level");
    one.loss = number(line, "loss");
    one.grad_error = number(line, "grad_error");
    one.displacement = number(line, "displacement");
    one.excess = number(line, "excess");
    one.lambda_max = number(line, "lambda_max");
    one.smoothness = number(line, "smoothness");
    one.pl = number(line, "pl");
    one.gradient_variance = number(line, "gradient_variance");
    one.local = prediction(line.at("local"));
    one.displaced = prediction(line.at("displaced"));
    one.bound = prediction(line.at("bound"));
    predictions.push_back(std::move(one));
  }
  return predictions;
}

}  // namespace gradquake::study
