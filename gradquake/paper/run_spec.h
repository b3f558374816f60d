// One run of section 7 by its settings, as a row of the CSV files names it, and what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/replica_batch.h"
#include "gradquake/paper/settings.h"

namespace gradquake::paper {

struct RunSpec {
  Regularizer regularizer;
  Direction direction = Direction::kBackward;
  bool biased = false;  // U(0, sigma/sqrt(d)) in place of U(-sigma/sqrt(d), sigma/sqrt(d))
  DrawMode draw = DrawMode::kPerStep;
  double sigma = 0;  // 0: standard SGD, whatever the direction and the draw say
  double gamma = 0.1;
  std::int64_t interval = 1;
  std::int64_t seed = 1;
  std::int64_t steps = 0;  // T
  double gradient_noise = 0.001;

  bool standard() const { return sigma == 0; }
  // Unique among runs of the same samples, features, ewma and initial_weight, which it holds too.
  std::string key(const Settings& settings) const;
  Lane lane(std::int64_t features) const;
  const char* direction_name() const;  // forward | backward | none
  const char* draw_name() const;       // per_step | per_sample | none
};

// `late`: mean over 20 evenly spaced steps of the last tenth of the run.
struct RunRecord {
  double stable_grad_norm = 0;
  std::optional<std::int64_t> stable_iteration;
  double mean_squared_norm = 0;                         // 1/T sum_t ||grad f(w_t)||^2
  double final_loss = 0, half_loss = 0, late_loss = 0;  // f at w_T, w_{T/2}, and late
  double weight_norm = 0, half_weight_norm = 0;         // ||w_T||, ||w_{T/2}||
  double seconds = 0;                                   // processor time, the run's share of its batch
  std::vector<double> trajectory;                       // EWMA at trajectory_steps(T)
};

// 0, and steps at even distances of ln t up to T - 1.
GRADQUAKE_EXPORT std::vector<std::int64_t> trajectory_steps(std::int64_t T);

}  // namespace gradquake::paper
