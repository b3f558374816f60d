#include "gradquake/theory/run_conditions.h"

#include "gradquake/theory/check.h"
#include "gradquake/theory/energy.h"
#include "gradquake/theory/occurrences.h"
#include "gradquake/theory/step_size.h"

namespace gradquake::theory {
namespace {

void append(std::vector<Condition>& rows, std::vector<Condition> more) {
  rows.insert(rows.end(), more.begin(), more.end());
}

Condition unknown(const std::string& name, const std::string& equation, const std::string& note) {
  return {.name = name,
          .equation = equation,
          .variant = "measured",
          .value = {},
          .threshold = {},
          .margin = {},
          .holds = {},
          .note = note};
}

std::string missing(const RunMeasurements& run) {
  if (!run.smoothness || *run.smoothness == 0) return "smoothness is absent";
  if (!run.gradient_variance) return "gradient_variance is absent";
  if (!run.initial_gap) return "initial_gap is absent";
  if (run.errors.empty()) return "no gradient error was measured";
  return "";
}

void append_energy(std::vector<Condition>& rows, const RunMeasurements& run) {
  if (const std::string reason = missing(run); !reason.empty()) {
    rows.push_back(unknown("energy_budget", "(34)", reason));
    if (run.pl) rows.push_back(unknown("energy_budget", "(38)", reason));
    return;
  }
  const Problem problem{
      .smoothness = *run.smoothness, .gradient_variance = *run.gradient_variance, .initial_gap = *run.initial_gap};
  rows.push_back(energy_condition(nonconvex_bound(problem, run.errors), Variant::kMeasured));
  if (run.pl)
    rows.push_back(energy_condition(pl_bound(problem, *run.pl, run.errors, Variant::kMeasured), Variant::kMeasured));
}

}  // namespace

std::vector<Condition> run_conditions(const RunMeasurements& run) {
  require(run.steps >= 1, "steps >= 1", std::to_string(run.steps));
  std::vector<Condition> rows;
  if (run.smoothness) {
    rows = step_size_conditions(run.gamma_max, *run.smoothness, run.step_of_L);
  } else {
    rows = {unknown("step_size", "Theorems 3-5: gamma <= 1/(3 L)", "smoothness is absent"),
            unknown("linear_stability", "gamma L <= 2", "smoothness is absent")};
  }
  append_energy(rows, run);
  append(rows, exponent_conditions(run.sizes, run.steps, run.pl.has_value()));
  append(rows, occurrence_conditions(false, run.zero_mean, run.steps, run.Q_delta, run.Q_eps));
  if (run.pl) append(rows, occurrence_conditions(true, run.zero_mean, run.steps, run.Q_delta, run.Q_eps));
  return run.not_stated_for.empty() ? rows : not_stated(std::move(rows), run.not_stated_for);
}

Condition sweep_condition(const std::string& name, const std::string& equation, const Exponent& fit, double threshold,
                          bool at_least) {
  Condition row{.name = name,
                .equation = equation,
                .variant = "measured",
                .value = fit.value,
                .threshold = threshold,
                .margin = {},
                .holds = {},
                .note = "95 % interval " + number(fit.low) + " to " + number(fit.high)};
  if (at_least ? fit.low >= threshold : fit.high <= threshold)
    row.holds = true;
  else if (at_least ? fit.high < threshold : fit.low > threshold)
    row.holds = false;
  return row;
}

}  // namespace gradquake::theory
