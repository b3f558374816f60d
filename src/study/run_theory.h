// What the theory says of a finished run, beside what happened: every condition of THEORY.md 3, the predictions of the
// bounds, the score of the predictions made at its spikes, and the conditions that held although the run diverged.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/export.h"
#include "gradquake/core/records.h"
#include "gradquake/study/run_history.h"
#include "gradquake/study/spike_prediction.h"
#include "gradquake/theory/exponents.h"
#include "gradquake/theory/prediction.h"
#include "gradquake/theory/score.h"

namespace gradquake::study {

// The constants of a run as far as they are known, and where they come from.
struct RunConstants {
  std::string not_stated_for;        // "momentum" | "adam" | "adamw" | "clipping"; empty: plain SGD
  std::optional<double> smoothness;  // L
  std::int64_t step_of_L = -1;       // negative: closed form, for every step
  std::optional<double> pl;          // mu, at most L
  bool pl_exact = false;
  std::optional<double> gradient_variance;  // sigma^2 of a batch
  bool closed_form = false;                 // all of them are exact, at every step of this very run
  std::optional<double> minimum_loss;       // l*, from below; absent: taken as 0

  // L, mu and sigma^2 with the step size; null, with the reason, where the bounds are not stated or one is absent.
  std::optional<theory::PlProblem> problem(double step_size, std::string* reason) const;
};

struct RunFacts {
  std::int64_t steps = 0;  // made, T
  double largest_step_size = 0;
  std::string verdict;
  RunConstants constants;
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

// {spikes: {local, displaced, bound}, run: {plateau, mean_squared_gradient}}, each {compared, covered, coverage,
// sharpness, noise_floor, without_prediction, unobserved}. Spikes: episodes of one spike, against
// gradient_recovery_steps.
GRADQUAKE_EXPORT nlohmann::ordered_json score_json(std::span<const SpikePrediction> predictions,
                                                   std::span<const SpikeRecord> spikes, const RunTheory& theory);

GRADQUAKE_EXPORT nlohmann::ordered_json findings_json(const std::vector<theory::Finding>& findings);

// One kind of prediction (a member of SpikePrediction) beside what its spikes did, in order of step.
GRADQUAKE_EXPORT std::vector<theory::Comparison> compare(std::span<const SpikePrediction> predictions,
                                                         std::span<const SpikeRecord> spikes,
                                                         Prediction SpikePrediction::*kind);

}  // namespace gradquake::study
