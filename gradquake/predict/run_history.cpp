#include "gradquake/predict/run_history.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gradquake/report/optional_json.h"

namespace gradquake::predict {
namespace {

struct Mean {
  double sum = 0;
  double weight = 0;
  void add(double value, double by = 1) {
    sum += by * value;
    weight += by;
  }
  std::optional<double> value() const { return weight > 0 ? std::optional<double>(sum / weight) : std::nullopt; }
};

}  // namespace

RunHistory read_history(const std::filesystem::path& steps_jsonl, std::int64_t steps) {
  RunHistory history;
  Mean late, gradient, error;
  bool known = true;
  std::ifstream file(steps_jsonl);
  for (std::string text; std::getline(file, text);) {
    const nlohmann::json line = nlohmann::json::parse(text);
    const bool fired = line.at("injections").get<std::int64_t>() > 0;
    if (!line.at("finite").get<bool>()) {
      known = known && !fired;  // infinite, where a rule did it
      continue;
    }
    const double gamma = line.at("learning_rate").get<double>();
    const auto u = report::optional_at<double>(line, "clean_grad_norm");
    const auto e = report::optional_at<double>(line, "grad_error");
    if (const auto loss = report::optional_at<double>(line, "clean_loss")) {
      if (!history.first_loss) history.first_loss = loss;
      if (line.at("step").get<std::int64_t>() >= steps / 2) late.add(*loss);
    }
    if (u) gradient.add(*u * *u, gamma);
    const double e2 = fired && e ? *e * *e : 0;
    known = known && (!fired || e) && std::isfinite(e2);
    history.errors.push_back({.step_size = gamma, .second_moment = e2, .bias_squared = e2});
    if (fired) {
      ++history.firing_steps;
      error.add(e2);
    }
  }
  if (!known) history.errors.clear();
  history.mean_squared_error = error.value().value_or(0);
  history.late_loss = late.value();
  history.mean_squared_gradient = gradient.value();
  return history;
}

}  // namespace gradquake::predict
