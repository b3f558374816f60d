#include "gradquake/paper/run_spec.h"

#include <fmt/format.h>

#include <cmath>

namespace gradquake::paper {

const char* RunSpec::direction_name() const {
  return standard() ? "none" : direction == Direction::kForward ? "forward" : "backward";
}

const char* RunSpec::draw_name() const {
  return standard() ? "none" : draw == DrawMode::kPerStep ? "per_step" : "per_sample";
}

std::string RunSpec::key(const Settings& settings) const {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", regularizer.name(), regularizer.weight,
                     direction_name(), biased && !standard() ? "biased" : "zero-mean", draw_name(), sigma, gamma,
                     standard() ? 1 : interval, seed, steps, gradient_noise, settings.samples, settings.features,
                     settings.ewma, settings.initial_weight);
}

Lane RunSpec::lane(std::int64_t features) const {
  Lane lane;
  lane.step_size = gamma;
  lane.regularizer = regularizer;
  lane.interval = interval;
  const double width = sigma / std::sqrt(static_cast<double>(features));
  lane.half_width = biased ? width / 2 : width;
  lane.mean = biased ? width / 2 : 0;
  return lane;
}

std::vector<std::int64_t> trajectory_steps(std::int64_t T) {
  constexpr int kPerDecade = 40;
  std::vector<std::int64_t> steps = {0};
  for (int i = 0;; ++i) {
    const auto step = static_cast<std::int64_t>(std::llround(std::pow(10.0, static_cast<double>(i) / kPerDecade)));
    if (step >= T) return steps;
    if (step > steps.back()) steps.push_back(step);
  }
}

}  // namespace gradquake::paper
