// A run as its steps.jsonl tells it: what the bounds (34) and (38) take in, and what they are compared with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/convergence.h"

namespace gradquake::predict {

struct RunHistory {
  // One entry an update made, e2 = b2 = ||u~ - u||^2 as observed (the bias of one step is at most that); empty where a
  // step's error is unknown (a rule fired and no shadow ran) or not finite.
  std::vector<theory::StepError> errors;
  std::int64_t firing_steps = 0;     // at which a rule fired
  double mean_squared_error = 0;     // of ||u~ - u||^2 over those
  std::optional<double> first_loss;  // first known clean loss
  std::optional<double> late_loss;   // mean of the known clean losses of the last T/2 steps
  std::optional<double>
      mean_squared_gradient;  // sum gamma_t ||u + r||^2 / sum gamma_t over the steps where it is known
};

// steps: T. A step whose gradient was not finite made no update and is left out.
GRADQUAKE_EXPORT RunHistory read_history(const std::filesystem::path& steps_jsonl, std::int64_t steps);

}  // namespace gradquake::predict
