// Values that may be absent, in JSON: null. A number that is not finite is written as null as well, since JSON has
// none.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

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

}  // namespace gradquake::report
