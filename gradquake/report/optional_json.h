// Values that may be absent, in JSON: null. A number that is not finite is written as null as well, since JSON has
// none.
#pragma once

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace gradquake::report {

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// The key must be there; Json is nlohmann::json or nlohmann::ordered_json.
template <class T, class Json>
std::optional<T> optional_at(const Json& object, const char* key) {
  const Json& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional<T>(value.template get<T>());
}

// A number that is always there: null says that it was not finite.
template <class Json>
double number_at(const Json& object, const char* key) {
  return optional_at<double>(object, key).value_or(std::numeric_limits<double>::quiet_NaN());
}

// The numbers of an evaluation beside its step, loss and accuracy: the objective's own metrics.
template <class Json>
std::map<std::string, double> metrics_of(const Json& evaluation) {
  std::map<std::string, double> metrics;
  for (const auto& [name, value] : evaluation.items())
    if (name != "step" && name != "loss" && name != "accuracy" && value.is_number()) metrics[name] = value;
  return metrics;
}

// A text that may be unsaid, which is null or "".
template <class Json>
std::string text_at(const Json& object, const char* key) {
  return optional_at<std::string>(object, key).value_or("");
}

}  // namespace gradquake::report
