#include "gradquake/cli/theory_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gradquake/report/optional_json.h"
#include "gradquake/theory/budget.h"
#include "gradquake/theory/convergence.h"
#include "gradquake/theory/energy.h"
#include "gradquake/theory/exponents.h"
#include "gradquake/theory/prediction.h"
#include "gradquake/theory/step_size.h"

namespace gradquake::cli {
namespace {

using Json = nlohmann::ordered_json;
using theory::Guarantee;
using theory::Outcome;
using theory::SiteTerm;
using theory::Variant;

Json condition_json(const Condition& row) {
  return {{"name", row.name},
          {"equation", row.equation},
          {"variant", row.variant},
          {"value", report::or_null(row.value)},
          {"threshold", report::or_null(row.threshold)},
          {"margin", report::or_null(row.margin)},
          {"holds", row.holds ? Json(*row.holds) : Json(nullptr)},
          {"note", row.note}};
}

Json prediction_json(const Prediction& one) {
  return {{"value", report::or_null(one.value)}, {"equation", one.equation}, {"reason", one.reason}};
}

void add_terms(Json& document, const std::string& prefix, const std::vector<SiteTerm>& terms) {
  for (const SiteTerm& one : terms) {
    const std::string name = prefix + std::to_string(one.index);
    document["terms"][name] = one.value;
    document["coefficients"][name] = std::isfinite(one.coefficient) ? Json(one.coefficient) : Json(nullptr);
  }
}

void add_bound(Json& document, const theory::SecondMomentBound& bound) {
  document["equation"] = bound.equation;
  add_terms(document, "delta_", bound.delta);
  add_terms(document, "eps_", bound.eps);
  if (bound.interaction != 0) document["terms"]["interaction"] = bound.interaction;
}

void add_bound(Json& document, const theory::BiasBound& bound) {
  document["equation"] = bound.equation;
  add_terms(document, "delta_mean_", bound.delta_mean);
  add_terms(document, "delta_spread_", bound.delta_spread);
  add_terms(document, "eps_mean_", bound.eps_mean);
  if (bound.interaction != 0) document["terms"]["interaction"] = bound.interaction;
}

template <class Bound>
void add_convergence(Json& document, const Bound& bound, const char* equation) {
  document["equation"] = equation;
  document["terms"] = {{"initial_gap", bound.initial_gap},
                       {"gradient_noise", bound.gradient_noise},
                       {"perturbation_energy", bound.perturbation_energy},
                       {"perturbation_bias", bound.perturbation_bias}};
}

void add_bound(Json& document, const theory::NonconvexBound& bound) {
  add_convergence(document, bound, bound.variant == Variant::kMeasured ? "(34)" : "(37)");
}

void add_bound(Json& document, const theory::PlBound& bound) { add_convergence(document, bound, "(38)"); }

template <class Bound>
Json outcome_json(const Outcome<Bound>& outcome) {
  Json document;
  if (!outcome.bound) {
    document["value"] = nullptr;
    document["reason"] = outcome.reason;
    return document;
  }
  document["value"] = outcome.bound->value;
  document["equation"] = "";
  document["terms"] = Json::object();
  add_bound(document, *outcome.bound);
  return document;
}

// Every condition the file can decide: step size, linear stability, energy budgets.
Json conditions_json(const theory::Constants& constants) {
  Json rows = Json::array();
  if (constants.smoothness && constants.step_size)
    for (const Condition& row : theory::step_size_conditions(*constants.step_size, *constants.smoothness, -1))
      rows.push_back(condition_json(row));
  for (const Variant variant : theory::kVariants) {
    rows.push_back(condition_json(theory::energy_condition(theory::theorem3(constants, variant), variant)));
    rows.push_back(condition_json(theory::energy_condition(theory::theorem5(constants, variant), variant)));
  }
  return rows;
}

theory::PerturbationSizes largest_sizes(const theory::Constants& constants) {
  theory::PerturbationSizes sizes;
  for (const theory::ForwardMoments& one : constants.delta) {
    sizes.delta_rms = std::max(sizes.delta_rms, std::sqrt(one.second_moment));
    sizes.delta_mean = std::max(sizes.delta_mean, std::sqrt(one.mean_squared));
  }
  for (const theory::BackwardMoments& one : constants.eps) {
    sizes.eps_rms = std::max(sizes.eps_rms, std::sqrt(one.second_moment));
    sizes.eps_mean = std::max(sizes.eps_mean, std::sqrt(one.mean_squared));
  }
  return sizes;
}

void add_budgets(Json& rows, const std::vector<theory::Budget>& budgets) {
  for (const theory::Budget& one : budgets) {
    rows.push_back({{"direction", one.direction},
                    {"index", one.index},
                    {"equation", one.equation},
                    {"variant", to_string(one.variant)},
                    {"value", report::or_null(one.value)},
                    {"reason", one.reason}});
  }
}

std::optional<theory::PlProblem> pl_problem(const theory::Constants& constants) {
  if (!constants.smoothness || !constants.pl || !constants.gradient_variance || !constants.step_size)
    return std::nullopt;
  return theory::PlProblem{.smoothness = *constants.smoothness,
                           .pl = *constants.pl,
                           .gradient_variance = *constants.gradient_variance,
                           .step_size = *constants.step_size};
}

struct Errors {
  double e2 = 0;
  double b2 = 0;
};

Prediction recovery(const measure::ConstantsFile& file, const theory::PlProblem& problem, const Errors& errors) {
  const measure::PredictionRequest& request = file.prediction;
  if (!request.level) return theory::no_prediction("(38)", "predict.level is absent");
  theory::ObservedSpike spike;
  spike.error = std::sqrt(std::max(errors.e2, errors.b2));
  spike.minimum_loss = request.minimum_loss;
  if (request.loss) {
    spike.loss = *request.loss;
  } else if (file.constants.initial_gap) {
    spike.loss = *file.constants.initial_gap;
    spike.minimum_loss = 0;
  } else {
    return theory::no_prediction("(38)", "predict.loss is absent");
  }
  spike.level = *request.level;
  spike.factor = request.band.factor;
  return theory::recovery_steps(problem, spike);
}

// Errors at a step where everything fires, for predictions about one spike.
Errors spike_errors(const measure::ConstantsFile& file, Variant variant, const Errors& mean) {
  if (variant == Variant::kMeasured) {
    const std::optional<double>& error = file.prediction.error;
    return error ? Errors{*error * *error, *error * *error} : mean;
  }
  theory::Constants firing = file.constants;
  for (theory::ForwardMoments& one : firing.delta) one.frequency = 1;
  for (theory::BackwardMoments& one : firing.eps) one.frequency = 1;
  const auto e2 = theory::theorem1(firing, variant);
  const auto b2 = theory::theorem2(firing, variant);
  return e2.bound && b2.bound ? Errors{e2.bound->value, b2.bound->value} : mean;
}

Json pl_predictions(const measure::ConstantsFile& file, const Errors& spike, const Errors& errors) {
  const std::optional<theory::PlProblem> problem = pl_problem(file.constants);
  if (!problem) {
    const Json absent = prediction_json(theory::no_prediction(
        "(38)", "smoothness, pl, gradient_variance and step_size are needed, one of them is absent"));
    return {{"plateau_level", absent}, {"recovery_steps", absent}, {"steps_to_loss", absent}};
  }
  Json document;
  document["plateau_level"] =
      prediction_json(theory::plateau_level(*problem, spike.e2, spike.b2, file.prediction.interval));
  document["recovery_steps"] = prediction_json(recovery(file, *problem, spike));
  const std::optional<double>& gap = file.constants.initial_gap;
  if (!gap || *gap == 0) {
    document["steps_to_loss"] = prediction_json(theory::no_prediction("(38)", "initial_gap is absent or 0"));
    return document;
  }
  Prediction steps =
      theory::steps_to_loss(*problem, *gap, errors.e2, errors.b2, file.prediction.target_loss.value_or(0.1 * *gap));
  if (!file.prediction.target_loss)
    steps.reason += (steps.reason.empty() ? "" : "; ") + std::string("target: a tenth of initial_gap");
  document["steps_to_loss"] = prediction_json(steps);
  return document;
}

void add_nonconvex_predictions(Json& document, const measure::ConstantsFile& file, const Errors& spike,
                               const Errors& errors) {
  const theory::Constants& constants = file.constants;
  if (!constants.smoothness || !constants.gradient_variance || !constants.step_size || !constants.initial_gap ||
      *constants.initial_gap == 0) {
    document["steps_to_gradient"] = prediction_json(theory::no_prediction(
        "(34)", "smoothness, gradient_variance, step_size and initial_gap > 0 are needed, one of them is absent"));
    return;
  }
  const double start = 2 * *constants.smoothness * *constants.initial_gap;  // >= ||grad l(w_0)||^2
  Prediction steps = theory::steps_to_gradient(*constants.smoothness, *constants.gradient_variance,
                                               *constants.step_size, *constants.initial_gap, errors.e2, errors.b2,
                                               file.prediction.target_gradient.value_or(0.1 * start));
  if (!file.prediction.target_gradient)
    steps.reason += (steps.reason.empty() ? "" : "; ") + std::string("target: a tenth of 2 L initial_gap");
  document["steps_to_gradient"] = prediction_json(steps);
  if (constants.steps) {
    document["spike_share"] = prediction_json(
        theory::spike_share(*constants.smoothness, *constants.step_size, spike.e2, spike.b2, *constants.steps));
  }
}

std::string number_text(const Json& value) {
  return value.is_null() ? "-" : fmt::format("{:.5g}", value.get<double>());
}

std::string conditions_table(const Json& document) {
  std::string text = fmt::format("{:<27} {:<11} {:>12} {:>12} {:>10}  {:<5} {}\n", "condition", "variant", "value",
                                 "threshold", "margin", "holds", "equation");
  for (const Json& row : document["conditions"]) {
    const Json& holds = row["holds"];
    text += fmt::format("{:<27} {:<11} {:>12} {:>12} {:>10}  {:<5} {}{}\n", row["name"].get<std::string>(),
                        row["variant"].get<std::string>(), number_text(row["value"]), number_text(row["threshold"]),
                        number_text(row["margin"]), holds.is_null() ? "-" : (holds.get<bool>() ? "yes" : "no"),
                        row["equation"].get<std::string>(),
                        row["value"].is_null() ? ": " + row["note"].get<std::string>() : "");
  }
  return text;
}

// The three largest terms, largest first.
std::string leading_terms(const Json& terms) {
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [name, value] : terms.items()) sorted.emplace_back(value.get<double>(), name);
  std::sort(sorted.rbegin(), sorted.rend());
  std::string text;
  for (std::size_t n = 0; n < std::min<std::size_t>(3, sorted.size()); ++n)
    text += fmt::format("{}{} {:.3g}", n == 0 ? "" : ", ", sorted[n].second, sorted[n].first);
  return text;
}

}  // namespace

Json bound_json(const measure::ConstantsFile& file) {
  Json document;
  document["conditions"] = conditions_json(file.constants);
  for (const Variant variant : theory::kVariants) {
    const std::string name = to_string(variant);
    document["theorem1"][name] = outcome_json(theory::theorem1(file.constants, variant));
    document["theorem2"][name] = outcome_json(theory::theorem2(file.constants, variant));
    document["theorem3"][name] = outcome_json(theory::theorem3(file.constants, variant));
    document["theorem5"][name] = outcome_json(theory::theorem5(file.constants, variant));
  }
  return document;
}

Json budget_json(const measure::ConstantsFile& file, double frequency) {
  Json document;
  document["conditions"] = conditions_json(file.constants);
  if (file.constants.steps)
    for (const Condition& row : theory::exponent_conditions(largest_sizes(file.constants), *file.constants.steps,
                                                            file.constants.pl.has_value()))
      document["conditions"].push_back(condition_json(row));
  document["frequency"] = frequency;
  document["magnitude"] = Json::array();
  document["occurrences"] = Json::array();
  document["step_size"] = Json::array();
  for (const Variant variant : theory::kVariants) {
    for (const Guarantee guarantee : {Guarantee::kNonconvex, Guarantee::kPl}) {
      add_budgets(document["magnitude"], theory::magnitude_budgets(file.constants, variant, guarantee, frequency));
      add_budgets(document["occurrences"], theory::occurrence_budgets(file.constants, variant, guarantee));
      add_budgets(document["step_size"], theory::step_size_budgets(file.constants, variant, guarantee));
    }
  }
  return document;
}

Json predict_json(const measure::ConstantsFile& file) {
  Json document;
  document["conditions"] = conditions_json(file.constants);
  for (const Variant variant : theory::kVariants) {
    const auto e2 = theory::theorem1(file.constants, variant);
    const auto b2 = theory::theorem2(file.constants, variant);
    Json& predictions = document["variants"][to_string(variant)];
    if (!e2.bound || !b2.bound) {
      const Json absent = prediction_json(theory::no_prediction("(13),(23)", e2.bound ? b2.reason : e2.reason));
      for (const char* name : {"plateau_level", "recovery_steps", "steps_to_loss", "steps_to_gradient"})
        predictions[name] = absent;
      continue;
    }
    const Errors errors{e2.bound->value, b2.bound->value};
    const Errors spike = spike_errors(file, variant, errors);
    predictions = pl_predictions(file, spike, errors);
    add_nonconvex_predictions(predictions, file, spike, errors);
  }
  const measure::PredictionRequest& request = file.prediction;
  if (request.lanczos && request.displacement && request.level && file.constants.step_size) {
    document["local"] = prediction_json(
        theory::local_prediction(*request.lanczos, *request.displacement, *file.constants.step_size, request.band)
            .steps);
  } else {
    document["local"] = prediction_json(theory::no_prediction(
        "local", "step_size, predict.level, alpha, beta and displacement are needed, one of them is absent"));
  }
  return document;
}

std::string bound_table(const Json& document) {
  std::string text = conditions_table(document);
  text += fmt::format("\n{:<9} {:<10} {:>12}  {}\n", "bound", "variant", "value", "largest terms");
  for (const char* theorem : {"theorem1", "theorem2", "theorem3", "theorem5"}) {
    for (const auto& [variant, bound] : document[theorem].items()) {
      const std::string explanation =
          bound["value"].is_null() ? bound["reason"].get<std::string>() : leading_terms(bound["terms"]);
      text += fmt::format("{:<9} {:<10} {:>12}  {}\n", theorem, variant, number_text(bound["value"]), explanation);
    }
  }
  return text;
}

std::string budget_table(const Json& document) {
  std::string text = conditions_table(document);
  for (const char* kind : {"magnitude", "occurrences", "step_size"}) {
    text += fmt::format("\n{:<11} {:<9} {:>5} {:<8} {:<10} {:>12}  {}\n", kind, "direction", "index", "equation",
                        "variant", "largest", "");
    for (const Json& row : document[kind]) {
      text +=
          fmt::format("{:<11} {:<9} {:>5} {:<8} {:<10} {:>12}  {}\n", "", row["direction"].get<std::string>(),
                      row["index"].get<int>(), row["equation"].get<std::string>(), row["variant"].get<std::string>(),
                      number_text(row["value"]), row["reason"].get<std::string>());
    }
  }
  return text;
}

std::string predict_table(const Json& document) {
  std::string text = conditions_table(document);
  text += fmt::format("\n{:<18} {:<10} {:>12}  {}\n", "prediction", "variant", "value", "equation, reason");
  const auto row = [&](const std::string& name, const std::string& variant, const Json& one) {
    const std::string reason = one["reason"].get<std::string>();
    text += fmt::format("{:<18} {:<10} {:>12}  {}{}\n", name, variant, number_text(one["value"]),
                        one["equation"].get<std::string>(), reason.empty() ? "" : "; " + reason);
  };
  for (const auto& [variant, predictions] : document["variants"].items())
    for (const auto& [name, one] : predictions.items()) row(name, variant, one);
  row("local", "-", document["local"]);
  return text;
}

}  // namespace gradquake::cli
