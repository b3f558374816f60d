#include "gradquake/train/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gradquake::train {

LearningRateSchedule read_learning_rate_schedule(config::Reader reader) {
  LearningRateSchedule schedule;
  schedule.kind = reader.choice("kind", schedule.kind, {"constant", "inverse_sqrt", "cosine", "step"});
  schedule.warmup = reader.integer("warmup", schedule.warmup, 0);
  if (schedule.kind == "cosine") {
    schedule.final = reader.number("final", schedule.final, config::Range::unit());
  } else if (schedule.kind == "step") {
    schedule.every = reader.integer("every", schedule.every, 1);
    schedule.factor = reader.number("factor", schedule.factor, config::Range{.min = 0, .max = 1, .min_open = true});
  }
  reader.finish();
  return schedule;
}

double learning_rate_at(const LearningRateSchedule& schedule, double learning_rate, std::int64_t step,
                        std::int64_t run_steps) {
  if (step < schedule.warmup) {
    return learning_rate * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup);
  }
  const auto k = static_cast<double>(step - schedule.warmup);
  if (schedule.kind == "inverse_sqrt") return learning_rate / std::sqrt(1 + k);
  if (schedule.kind == "cosine") {
    const double length = static_cast<double>(std::max<std::int64_t>(1, run_steps - schedule.warmup));
    const double wave = (1 + std::cos(std::numbers::pi * std::min(1.0, k / length))) / 2;
    return learning_rate * (schedule.final + (1 - schedule.final) * wave);
  }
  if (schedule.kind == "step") {
    return learning_rate * std::pow(schedule.factor, std::floor(k / static_cast<double>(schedule.every)));
  }
  return learning_rate;
}

double largest_learning_rate(const LearningRateSchedule& schedule, double learning_rate, std::int64_t run_steps) {
  // Every schedule rises during warm-up and falls afterwards.
  const std::int64_t peak = std::clamp<std::int64_t>(schedule.warmup, 0, std::max<std::int64_t>(0, run_steps - 1));
  double largest = learning_rate_at(schedule, learning_rate, peak, run_steps);
  if (peak > 0) largest = std::max(largest, learning_rate_at(schedule, learning_rate, peak - 1, run_steps));
  return largest;
}

}  // namespace gradquake::train
