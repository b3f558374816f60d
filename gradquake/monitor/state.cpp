#include "gradquake/monitor/state.h"

#include <cmath>
#include <limits>

namespace gradquake::monitor::state {
namespace {

Json write(const CurvatureRecord& curvature) {
  return {{"step", curvature.step},
          {"lambda_max", state::write(curvature.lambda_max)},
          {"lambda_min", state::write(curvature.lambda_min)},
          {"lambda_min_bound", state::write(curvature.lambda_min_bound)},
          {"smoothness", state::write(curvature.smoothness)},
          {"gamma_L", state::write(curvature.gamma_L)},
          {"products", curvature.products}};
}

CurvatureRecord read_curvature(const Json& value) {
  CurvatureRecord curvature;
  curvature.step = value.at("step").get<std::int64_t>();
  curvature.lambda_max = read_double(value.at("lambda_max"));
  curvature.lambda_min = read_optional(value.at("lambda_min"));
  curvature.lambda_min_bound = read_optional(value.at("lambda_min_bound"));
  curvature.smoothness = read_double(value.at("smoothness"));
  curvature.gamma_L = read_double(value.at("gamma_L"));
  curvature.products = value.at("products").get<int>();
  return curvature;
}

Json write(const Prediction& prediction) {
  return {{"value", state::write(prediction.value)}, {"equation", prediction.equation}, {"reason", prediction.reason}};
}

Prediction read_prediction(const Json& value) {
  return {read_optional(value.at("value")), value.at("equation").get<std::string>(),
          value.at("reason").get<std::string>()};
}

}  // namespace

Json write(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

Json write(const std::optional<double>& value) { return value ? write(*value) : Json(nullptr); }

Json write(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(nullptr); }

Json write(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(write(value));
  return list;
}

Json write(const SpikeCause& cause) {
  return {{"rule", cause.rule},
          {"site", cause.site},
          {"direction", cause.direction},
          {"norm", write(cause.norm)},
          {"steps_ago", cause.steps_ago}};
}

Json write(const SpikeRecord& spike) {
  Json causes = Json::array();
  for (const SpikeCause& cause : spike.causes) causes.push_back(write(cause));
  return {{"step", spike.step},
          {"detector", spike.detector},
          {"score", write(spike.score)},
          {"grad_norm", write(spike.grad_norm)},
          {"clean_grad_norm", write(spike.clean_grad_norm)},
          {"grad_error", write(spike.grad_error)},
          {"layer", spike.layer},
          {"causes", std::move(causes)},
          {"level", write(spike.level)},
          {"loss_level", write(spike.loss_level)},
          {"curvature", spike.curvature ? write(*spike.curvature) : Json(nullptr)},
          {"predicted", write(spike.predicted)},
          {"predicted_displaced", write(spike.predicted_displaced)},
          {"observed_recovery_steps", write(spike.observed_recovery_steps)},
          {"gradient_recovery_steps", write(spike.gradient_recovery_steps)},
          {"verdict", spike.verdict},
          {"episode", spike.episode}};
}

double read_double(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto& word = value.get_ref<const std::string&>();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  throw std::invalid_argument("expected a number, got \"" + word + "\"");
}

std::optional<double> read_optional(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return read_double(value);
}

std::optional<std::int64_t> read_optional_step(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::vector<double> read_doubles(const Json& value) {
  std::vector<double> values;
  for (const Json& entry : value) values.push_back(read_double(entry));
  return values;
}

SpikeCause read_cause(const Json& value) {
  return {value.at("rule").get<std::string>(), value.at("site").get<std::string>(),
          value.at("direction").get<std::string>(), read_double(value.at("norm")),
          value.at("steps_ago").get<std::int64_t>()};
}

SpikeRecord read_spike(const Json& value) {
  SpikeRecord spike;
  spike.step = value.at("step").get<std::int64_t>();
  spike.detector = value.at("detector").get<std::string>();
  spike.score = read_optional(value.at("score"));
  spike.grad_norm = read_optional(value.at("grad_norm"));
  spike.clean_grad_norm = read_optional(value.at("clean_grad_norm"));
  spike.grad_error = read_optional(value.at("grad_error"));
  spike.layer = value.at("layer").get<std::string>();
  for (const Json& cause : value.at("causes")) spike.causes.push_back(read_cause(cause));
  spike.level = read_optional(value.at("level"));
  spike.loss_level = read_optional(value.at("loss_level"));
  if (!value.at("curvature").is_null()) spike.curvature = read_curvature(value.at("curvature"));
  spike.predicted = read_prediction(value.at("predicted"));
  spike.predicted_displaced = read_prediction(value.at("predicted_displaced"));
  spike.observed_recovery_steps = read_optional_step(value.at("observed_recovery_steps"));
  spike.gradient_recovery_steps = read_optional_step(value.at("gradient_recovery_steps"));
  spike.verdict = value.at("verdict").get<std::string>();
  spike.episode = value.at("episode").get<std::int64_t>();
  return spike;
}

}  // namespace gradquake::monitor::state
