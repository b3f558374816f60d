// Plain records: what the training loop, the monitor, the theory and the writers exchange. No torch, no behaviour.
// Steps count from 0. Norms are Euclidean, accumulated in float64. An absent value is std::nullopt (JSON null).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/injection_record.h"

namespace gradquake {

// What a rule added at a site in one direction over steps from <= step < until (a line of ledger.jsonl under `ledger:
// {detail: totals}`).
struct InjectionTotal {
  std::int64_t from = 0;
  std::int64_t until = 0;
  std::string rule;
  std::string site;
  std::string direction;
  std::int64_t injections = 0;  // how many
  std::int64_t elements = 0;    // of all of them
  double norm = 0;              // root of the sum of their squared norms
  double largest_norm = 0;
  double largest_relative_norm = 0;
};

// Norms of one layer's (module's) gradient at one step.
struct LayerNorms {
  std::vector<double> grad;        // ||u~_layer + r_layer||
  std::vector<double> clean_grad;  // ||u_layer + r_layer||; empty without shadow
  std::vector<double> grad_error;  // ||u~_layer - u_layer||; empty without shadow
};

// What the loop says of one step, before the optimiser moves the weights (a line of steps.jsonl).
struct StepRecord {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  double loss = 0;                        // as trained: perturbed where a forward rule fired, regulariser included
  double learning_rate = 0;               // of this step's update
  double grad_norm = 0;                   // ||u~ + r||, before clipping, weight decay excluded
  std::optional<double> clean_loss;       // known where a shadow ran or no forward rule fired (and a shadow is due)
  std::optional<double> clean_grad_norm;  // ||u + r||
  std::optional<double> grad_error;       // ||u~ - u||
  bool finite = true;                     // loss and grad_norm are finite
  bool weights_finite = true;             // false: the weights already hold inf or nan
  std::string nonfinite_at;               // first layer with a non-finite gradient, or "loss"; empty when finite
  bool forward_fired = false;             // a forward rule injected at this step
  bool backward_fired = false;            // a backward rule injected at this step
  LayerNorms layers;                      // by layer, in the order of RunInfo::layers
  std::vector<InjectionRecord> injections;
};

// A line of steps.jsonl: what is kept of a StepRecord.
struct StepLine {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  double loss = 0;
  double learning_rate = 0;
  double grad_norm = 0;
  std::optional<double> clean_loss;
  std::optional<double> clean_grad_norm;
  std::optional<double> grad_error;
  bool finite = true;
  bool spike = false;           // the monitor found a spike at this step
  std::int64_t injections = 0;  // how many
};

// A line of evaluations.jsonl. accuracy in [0, 1]; null where the objective has none. Another metric of the objective
// is a further field under its own name, e.g. r_squared.
struct EvaluationRecord {
  std::int64_t step = 0;  // number of updates made before it
  double loss = 0;
  std::optional<double> accuracy;
  std::map<std::string, double> metrics = {};
};

// A line of curvature.jsonl: the Hessian of the loss on the fixed probe set.
struct CurvatureRecord {
  std::int64_t step = 0;
  double lambda_max = 0;
  std::optional<double> lambda_min = {};        // null where it has not converged within the limit of products
  std::optional<double> lambda_min_bound = {};  // then its estimate from below: smallest Ritz value minus its residual
  double smoothness = 0;  // largest |Ritz value|: max(|lambda_max|, |lambda_min|) as far as it is known
  double gamma_L = 0;     // learning_rate * smoothness
  int products = 0;       // Hessian-vector products spent
};

// A rule that fired at the spike's step or shortly before.
struct SpikeCause {
  std::string rule;
  std::string site;
  std::string direction;
  double norm = 0;
  std::int64_t steps_ago = 0;
};

// A prediction or a bound that may not apply: value null, reason says why.
struct Prediction {
  std::optional<double> value;
  std::string equation;
  std::string reason;
};

// A line of spikes.jsonl (docs/theory.md 3).
struct SpikeRecord {
  std::int64_t step = 0;
  std::string detector;  // "shadow" | "robust" | "both" | "nonfinite"
  std::optional<double> score;
  std::optional<double> grad_norm;
  std::optional<double> clean_grad_norm;  // grad_error / clean_grad_norm is the ratio people are shown
  std::optional<double> grad_error;
  std::string layer;
  std::vector<SpikeCause> causes;  // empty: a natural spike
  std::optional<double> level;
  std::optional<double> loss_level;
  std::optional<CurvatureRecord> curvature;
  Prediction predicted;            // steps to recover, from the twin's end
  Prediction predicted_displaced;  // from the displaced end
  std::optional<std::int64_t> observed_recovery_steps;
  std::optional<std::int64_t> gradient_recovery_steps;
  std::string verdict;  // "recovered" | "plateau" | "diverged" | "open"
  std::int64_t episode = 0;
};

// What was predicted of a spike before anything of its recovery is known (a line of predictions.jsonl where the spike
// opens an episode).
struct SpikePrediction {
  std::int64_t step = 0;
  double learning_rate = 0;                 // gamma
  std::optional<double> level;              // clean gradient norm before the spike
  std::optional<double> loss;               // clean, before the spike's update
  std::optional<double> grad_error;         // ||u~ - u||
  std::optional<double> displacement;       // ||Delta|| = gamma ||u~ - u||
  std::optional<double> excess;             // predicted ||grad l(displaced) - grad l(twin)|| right after the spike
  std::optional<double> lambda_max;         // largest Ritz value along Delta, at the twin's end
  std::optional<double> smoothness;         // L, the largest seen so far
  std::optional<double> pl;                 // mu
  std::optional<double> gradient_variance;  // sigma^2
  Prediction local;                         // from the twin's end
  Prediction displaced;                     // from the displaced end
  Prediction bound;                         // (38)
};

// A condition of the theory, checked (summary.json `conditions`).
struct Condition {
  std::string name;
  std::string equation;
  std::string variant;  // "printed" | "corrected" | "sharp" | "measured"
  std::optional<double> value;
  std::optional<double> threshold;
  std::optional<double> margin;  // threshold / value
  std::optional<bool> holds;     // null: a single run cannot decide it
  std::string note;              // e.g. the step at which L was measured
};

// What a run is, known before its first step.
struct RunInfo {
  std::string name;
  std::int64_t steps = 0;
  std::int64_t steps_per_epoch = 0;
  std::vector<std::string> layers;  // names of LayerNorms entries
};

}  // namespace gradquake
