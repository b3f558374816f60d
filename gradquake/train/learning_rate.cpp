#include "gradquake/train/learning_rate.h"

#include <algorithm>

#include "gradquake/train/kinds/learning_rates.h"

namespace gradquake::train {

LearningRateSchedule::~LearningRateSchedule() = default;

Registry<LearningRateFactory>& learning_rate_schedules() {
  static Registry<LearningRateFactory> registry(
      "learning_rate", {kinds::constant_rate(), kinds::inverse_sqrt_rate(), kinds::cosine_rate(), kinds::step_rate()},
      {.before = {Parameter::integer("warmup", "steps over which the rate rises from 0")
                      .at_least(0)
                      .in_units("steps")
                      .by_default(0)}});
  return registry;
}

LearningRate::LearningRate(const KindSpec& spec)
    : spec_(learning_rate_schedules().complete(spec)),
      warmup_(spec_.integer("warmup")),
      schedule_(learning_rate_schedules().factory(spec_.kind)(spec_)) {}

double LearningRate::at(double learning_rate, std::int64_t step, std::int64_t run_steps) const {
  if (step < warmup_) return learning_rate * static_cast<double>(step + 1) / static_cast<double>(warmup_);
  return schedule_->rate(learning_rate, step - warmup_, std::max<std::int64_t>(1, run_steps - warmup_));
}

double LearningRate::largest(double learning_rate, std::int64_t run_steps) const {
  const std::int64_t last = std::max<std::int64_t>(0, run_steps - 1);
  const std::int64_t peak = std::clamp<std::int64_t>(warmup_, 0, last);  // every rate rises up to here
  double largest = at(learning_rate, peak, run_steps);
  if (peak > 0) largest = std::max(largest, at(learning_rate, peak - 1, run_steps));
  if (schedule_->falls()) return largest;
  for (std::int64_t step = peak + 1; step <= last; ++step)
    largest = std::max(largest, at(learning_rate, step, run_steps));
  return largest;
}

}  // namespace gradquake::train
