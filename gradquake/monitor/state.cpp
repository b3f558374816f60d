#include "gradquake/monitor/state.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gradquake::monitor::state {
Json write(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

Json write(const std::optional<double>& value) { return value ? write(*value) : Json(nullptr); }

Json write(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(write(value));
  return list;
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

std::vector<double> read_doubles(const Json& value) {
  std::vector<double> values;
  for (const Json& entry : value) values.push_back(read_double(entry));
  return values;
}

}  // namespace gradquake::monitor::state
