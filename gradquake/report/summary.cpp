#include "gradquake/report/summary.h"

#include <nlohmann/json.hpp>

#include "gradquake/core/error.h"
#include "gradquake/report/lines.h"
#include "gradquake/report/optional_json.h"

namespace gradquake::report {
namespace {

using Json = nlohmann::ordered_json;

Json text(const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); }

Json eval_json(const std::optional<EvaluationRecord>& eval) {
  if (!eval) return nullptr;
  return {{"loss", eval->loss}, {"accuracy", or_null(eval->accuracy)}};
}

Json condition_json(const Condition& condition) {
  return {{"name", condition.name},
          {"equation", text(condition.equation)},
          {"variant", text(condition.variant)},
          {"value", or_null(condition.value)},
          {"threshold", or_null(condition.threshold)},
          {"margin", or_null(condition.margin)},
          {"holds", condition.holds ? Json(*condition.holds) : Json(nullptr)},
          {"note", text(condition.note)}};
}

Json parsed(const std::string& name, const std::string& json) {
  try {
    return Json::parse(json);
  } catch (const Json::parse_error&) {
    throw UserError("report", "expected JSON for the summary's field " + name + ", got " + json);
  }
}

}  // namespace

nlohmann::ordered_json summary_json(const Summary& summary) {
  Json conditions = Json::array();
  for (const Condition& condition : summary.conditions) conditions.push_back(condition_json(condition));
  Json predictions = Json::object();
  for (const auto& [name, prediction] : summary.predictions) {
    predictions[name] = Json::parse(prediction_json(prediction));
  }

  Json document = {{"final_loss", or_null(summary.final_loss)},
                   {"eval", eval_json(summary.eval)},
                   {"spikes", summary.spikes},
                   {"episodes", summary.episodes},
                   {"verdict", summary.verdict},
                   {"progress_lost", or_null(summary.progress_lost)},
                   {"warnings", summary.warnings},
                   {"conditions", std::move(conditions)},
                   {"predictions", std::move(predictions)},
                   {"steps_per_second", or_null(summary.steps_per_second)}};
  for (const auto& [name, json] : summary.more) document[name] = parsed(name, json);
  return document;
}

std::string summary_text(const Summary& summary) {
  return summary_json(summary).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gradquake::report
