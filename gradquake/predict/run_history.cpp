#include "gradquake/predict/run_history.h"

#include <cmath>

#include "gradquake/report/record_json.h"

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
  for (const StepLine& line : report::read_records<StepLine>(steps_jsonl)) {
    const bool fired = line.injections > 0;
    if (!line.finite) {
      known = known && !fired;  // infinite, where a rule did it
      continue;
    }
    const double gamma = line.learning_rate;
    const auto& u = line.clean_grad_norm;
    const auto& e = line.grad_error;
    if (line.clean_loss) {
      if (!history.first_loss) history.first_loss = line.clean_loss;
      if (line.step >= steps / 2) late.add(*line.clean_loss);
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
