// What the theory says of a finished run, beside what happened: the conditions of docs/theory.md 3, the predictions of
// the bounds, the score of the predictions made at its spikes, and the conditions that held although the run diverged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/measure/run_constants.h"
#include "gradquake/predict/run_history.h"
#include "gradquake/report/summary.h"
#include "gradquake/theory/exponents.h"
#include "gradquake/theory/prediction.h"
#include "gradquake/theory/score.h"

namespace gradquake::predict {

struct RunFacts {
  std::int64_t steps = 0;  // made, T
  double largest_step_size = 0;
  std::string verdict;
  measure::RunConstants constants;
  theory::PerturbationSizes sizes;
  bool zero_mean = true;
  std::int64_t forward_hits = 0, backward_hits = 0;
};

struct RunTheory {
  std::vector<Condition> conditions;
  std::vector<std::pair<std::string, Prediction>> predictions;
  // Conditions that held although the run diverged. A contradiction takes exact constants and an energy budget that
  // holds too: only then does a theorem exclude the divergence.
  std::vector<theory::Finding> findings;
};

GRADQUAKE_EXPORT RunTheory run_theory(const RunFacts& facts, const RunHistory& history);

// Spikes: local, displaced and bound, of episodes of one spike, against gradient_recovery_steps. The run: plateau and
// mean_squared_gradient.
GRADQUAKE_EXPORT report::RunScore score_run(std::span<const SpikePrediction> predictions,
                                            std::span<const SpikeRecord> spikes, const RunTheory& theory);

// One kind of prediction (a member of SpikePrediction) beside what its spikes did, in order of step.
GRADQUAKE_EXPORT std::vector<theory::Comparison> compare(std::span<const SpikePrediction> predictions,
                                                         std::span<const SpikeRecord> spikes,
                                                         Prediction SpikePrediction::*kind);

}  // namespace gradquake::predict
