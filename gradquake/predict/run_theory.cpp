#include "gradquake/predict/run_theory.h"

#include <algorithm>
#include <map>

#include "gradquake/theory/run_conditions.h"
#include "gradquake/theory/step_size.h"

namespace gradquake::predict {
namespace {

using theory::no_prediction;

std::string minimum(const measure::RunConstants& constants) {
  return constants.minimum_loss ? "l* from below, l - ||grad l||^2/(2 mu)" : "l* taken as 0";
}

std::optional<double> gap(const std::optional<double>& loss, const measure::RunConstants& constants) {
  if (!loss) return std::nullopt;
  return std::max(0.0, *loss - constants.minimum_loss.value_or(0));
}

// The energy budget of (34) or (38) holds.
bool within_budget(const std::vector<Condition>& conditions) {
  return std::any_of(conditions.begin(), conditions.end(),
                     [](const Condition& row) { return row.name == "energy_budget" && row.holds.value_or(false); });
}

Prediction observed(const std::optional<double>& value, const std::string& what, const std::string& reason) {
  return value ? Prediction{value, what, reason} : no_prediction(what, "no clean value is known");
}

theory::RunMeasurements measurements(const RunFacts& facts, const RunHistory& history) {
  theory::RunMeasurements run;
  run.not_stated_for = facts.constants.not_stated_for;
  run.gamma_max = facts.largest_step_size;
  run.steps = facts.steps;
  run.smoothness = facts.constants.smoothness;
  run.step_of_L = facts.constants.step_of_L;
  run.gradient_variance = facts.constants.gradient_variance;
  run.initial_gap = gap(history.first_loss, facts.constants);
  run.pl = facts.constants.pl;
  run.errors = history.errors;
  run.sizes = facts.sizes;
  run.zero_mean = facts.zero_mean;
  run.Q_delta = facts.forward_hits;
  run.Q_eps = facts.backward_hits;
  return run;
}

// Where the numbers behind a row come from.
void explain(std::vector<Condition>& conditions, const measure::RunConstants& constants) {
  for (Condition& row : conditions) {
    if (row.name != "energy_budget" || !row.value) continue;
    row.note += row.note.empty() ? "" : "; ";
    row.note += "b2 := ||u~ - u||^2, " + minimum(constants);
    if (constants.closed_form) continue;
    row.note += constants.pl_exact || row.equation == "(34)" ? ", L and sigma^2 on the probe set"
                                                             : ", L, sigma^2 and mu estimated on the probe set";
  }
}

Prediction mean_squared_gradient(const RunFacts& facts, const RunHistory& history) {
  const std::string equation = "(34)";
  const measure::RunConstants& constants = facts.constants;
  if (!constants.not_stated_for.empty()) return no_prediction(equation, "not stated for " + constants.not_stated_for);
  if (!constants.smoothness || *constants.smoothness == 0) return no_prediction(equation, "smoothness is absent");
  if (!constants.gradient_variance) return no_prediction(equation, "gradient_variance is absent");
  if (!history.first_loss) return no_prediction(equation, "no clean loss is known");
  if (history.errors.empty()) return no_prediction(equation, "no gradient error was measured");
  const auto outcome = theory::nonconvex_bound({.smoothness = *constants.smoothness,
                                                .gradient_variance = *constants.gradient_variance,
                                                .initial_gap = *gap(history.first_loss, constants)},
                                               history.errors);
  return outcome.bound ? Prediction{outcome.bound->value, equation, minimum(constants)}
                       : no_prediction(equation, outcome.reason);
}

Prediction plateau(const RunFacts& facts, const RunHistory& history) {
  const std::string equation = "(38): jump/(1 - rho^interval)";
  std::string reason;
  const auto problem = facts.constants.problem(facts.largest_step_size, &reason);
  if (!problem) return no_prediction(equation, reason);
  if (history.firing_steps == 0) return no_prediction(equation, "no rule fired");
  if (history.errors.empty()) return no_prediction(equation, "no gradient error was measured");
  const std::int64_t interval = std::max<std::int64_t>(1, facts.steps / history.firing_steps);
  Prediction level = theory::plateau_level(*problem, history.mean_squared_error, history.mean_squared_error, interval);
  if (level.value) level.reason = "mean interval " + std::to_string(interval) + ", above the noise floor";
  return level;
}

Prediction noise_floor(const RunFacts& facts) {
  const std::string equation = "(38): 3 L gamma sigma^2/mu";
  std::string reason;
  const auto problem = facts.constants.problem(facts.largest_step_size, &reason);
  if (!problem) return no_prediction(equation, reason);
  if (reason = theory::step_size_violation(problem->step_size, problem->smoothness); !reason.empty())
    return no_prediction(equation, reason);
  return {3 * problem->smoothness * problem->step_size * problem->gradient_variance / problem->pl, equation, ""};
}

Prediction spike_share(const RunFacts& facts, const RunHistory& history) {
  const std::string equation = "(34): (6 L gamma e2 + 3 b2)/T";
  const measure::RunConstants& constants = facts.constants;
  if (!constants.not_stated_for.empty()) return no_prediction(equation, "not stated for " + constants.not_stated_for);
  if (!constants.smoothness) return no_prediction(equation, "smoothness is absent");
  if (history.firing_steps == 0) return no_prediction(equation, "no rule fired");
  if (history.errors.empty()) return no_prediction(equation, "no gradient error was measured");
  Prediction share = theory::spike_share(*constants.smoothness, facts.largest_step_size, history.mean_squared_error,
                                         history.mean_squared_error, facts.steps);
  if (share.value) share.reason = "the mean over steps at which a rule fired";
  return share;
}

const Prediction* find(const RunTheory& theory, const std::string& name) {
  for (const auto& [key, prediction] : theory.predictions)
    if (key == name) return &prediction;
  return nullptr;
}

theory::Comparison level_comparison(const RunTheory& theory, const std::string& predicted, const std::string& seen) {
  const Prediction* bound = find(theory, predicted);
  const Prediction* value = find(theory, seen);
  if (!bound || !value) return {};
  return {bound->value, value->value, bound->reason};
}

}  // namespace

RunTheory run_theory(const RunFacts& facts, const RunHistory& history) {
  RunTheory theory;
  theory.conditions = theory::run_conditions(measurements(facts, history));
  explain(theory.conditions, facts.constants);
  theory.findings = theory::findings(theory.conditions, facts.verdict,
                                     facts.constants.closed_form && within_budget(theory.conditions));
  theory.predictions = {
      {"plateau_level", plateau(facts, history)},
      {"noise_floor", noise_floor(facts)},
      {"plateau_observed", observed(gap(history.late_loss, facts.constants), "mean clean loss over the last T/2 - l*",
                                    minimum(facts.constants))},
      {"mean_squared_gradient", mean_squared_gradient(facts, history)},
      {"mean_squared_gradient_observed",
       observed(history.mean_squared_gradient, "sum gamma ||u + r||^2 / sum gamma, u of one batch each", "")},
      {"spike_share", spike_share(facts, history)}};
  return theory;
}

std::vector<theory::Comparison> compare(std::span<const SpikePrediction> predictions,
                                        std::span<const SpikeRecord> spikes, Prediction SpikePrediction::*kind) {
  std::map<std::int64_t, int> of_episode;
  std::map<std::int64_t, const SpikeRecord*> at_step;
  for (const SpikeRecord& spike : spikes) {
    ++of_episode[spike.episode];
    at_step[spike.step] = &spike;
  }
  std::vector<theory::Comparison> comparisons;
  for (const SpikePrediction& one : predictions) {
    const auto spike = at_step.find(one.step);
    if (spike == at_step.end() || of_episode[spike->second->episode] != 1) continue;
    theory::Comparison comparison{(one.*kind).value, std::nullopt, (one.*kind).reason};
    if (const auto steps = spike->second->gradient_recovery_steps) comparison.observed = static_cast<double>(*steps);
    comparisons.push_back(comparison);
  }
  return comparisons;
}

report::RunScore score_run(std::span<const SpikePrediction> predictions, std::span<const SpikeRecord> spikes,
                           const RunTheory& theory) {
  theory::Comparison level = level_comparison(theory, "plateau_level", "plateau_observed");
  // (38) settles at the plateau above the noise floor.
  if (const Prediction* floor = find(theory, "noise_floor"); level.predicted && floor && floor->value)
    *level.predicted += *floor->value;
  const theory::Comparison gradient =
      level_comparison(theory, "mean_squared_gradient", "mean_squared_gradient_observed");
  const auto of_spikes = [&](Prediction SpikePrediction::*kind) {
    return theory::score(compare(predictions, spikes, kind), true);
  };
  const auto of_run = [](const theory::Comparison& one) { return theory::score({&one, 1}, false); };
  return {.spikes = {{"local", of_spikes(&SpikePrediction::local)},
                     {"displaced", of_spikes(&SpikePrediction::displaced)},
                     {"bound", of_spikes(&SpikePrediction::bound)}},
          .run = {{"plateau", of_run(level)}, {"mean_squared_gradient", of_run(gradient)}}};
}

}  // namespace gradquake::predict
