// Learning rates that change with the step t (from 0), T = run steps, W = warmup steps, k = t - W.
//
//   constant:     lr
//   inverse_sqrt: lr / sqrt(1 + k)
//   cosine:       final * lr + (1 - final) * lr * (1 + cos(pi k / (T - W))) / 2
//   step:         lr * factor^floor(k / every)
//
// Warm-up: for t < W the rate is lr * (t + 1) / W.
#pragma once

#include <cstdint>
#include <string>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"

namespace gradquake::train {

struct LearningRateSchedule {
  std::string kind = "constant";  // constant | inverse_sqrt | cosine | step
  std::int64_t warmup = 0;        // steps, >= 0
  double final = 0.0;             // cosine: fraction of lr at the end, in [0, 1]
  std::int64_t every = 1000;      // step: steps between drops, >= 1
  double factor = 0.1;            // step: multiplier at a drop, in (0, 1]

  // Whether the rate at a step depends on the run's length, so that a run cannot be prolonged unchanged.
  bool depends_on_run_length() const { return kind == "cosine"; }
};

GRADQUAKE_EXPORT LearningRateSchedule read_learning_rate_schedule(config::Reader reader);

GRADQUAKE_EXPORT double learning_rate_at(const LearningRateSchedule& schedule, double learning_rate, std::int64_t step,
                                         std::int64_t run_steps);

// The largest rate of steps 0 .. run_steps-1: what the step-size condition takes (THEORY.md 3).
GRADQUAKE_EXPORT double largest_learning_rate(const LearningRateSchedule& schedule, double learning_rate,
                                              std::int64_t run_steps);

}  // namespace gradquake::train
