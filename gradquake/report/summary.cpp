#include "gradquake/report/summary.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "gradquake/core/error.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {
namespace {

using Json = nlohmann::ordered_json;

Json eval_json(const std::optional<EvaluationRecord>& eval) {
  if (!eval) return nullptr;
  Json json{{"loss", eval->loss}, {"accuracy", or_null(eval->accuracy)}};
  for (const auto& [name, value] : eval->metrics) json[name] = value;
  return json;
}

Json score_json(const std::vector<std::pair<std::string, theory::Score>>& scores) {
  Json object = Json::object();
  for (const auto& [name, score] : scores) {
    object[name] = {{"compared", score.compared},          {"covered", score.covered},
                    {"coverage", or_null(score.coverage)}, {"sharpness", or_null(score.sharpness)},
                    {"noise_floor", score.noise_floor},    {"without_prediction", score.other_without},
                    {"unobserved", score.unobserved}};
  }
  return object;
}

std::vector<std::pair<std::string, theory::Score>> scores_of(const Json& object) {
  std::vector<std::pair<std::string, theory::Score>> scores;
  for (const auto& [name, one] : object.items()) {
    scores.emplace_back(name, theory::Score{.compared = one.at("compared"),
                                            .covered = one.at("covered"),
                                            .noise_floor = one.at("noise_floor"),
                                            .other_without = one.at("without_prediction"),
                                            .unobserved = one.at("unobserved"),
                                            .coverage = optional_at<double>(one, "coverage"),
                                            .sharpness = optional_at<double>(one, "sharpness")});
  }
  return scores;
}

}  // namespace

nlohmann::ordered_json summary_json(const Summary& summary) {
  Json conditions = Json::array();
  for (const Condition& condition : summary.conditions) conditions.push_back(Json::parse(to_line(condition)));
  Json predictions = Json::object();
  for (const auto& [name, prediction] : summary.predictions) predictions[name] = Json::parse(to_line(prediction));
  Json findings = Json::array();
  for (const theory::Finding& one : summary.findings)
    findings.push_back({{"condition", one.condition}, {"kind", one.kind}, {"message", one.message}});

  return {{"final_loss", or_null(summary.final_loss)},
          {"eval", eval_json(summary.eval)},
          {"spikes", summary.spikes},
          {"episodes", summary.episodes},
          {"verdict", summary.verdict},
          {"progress_lost", or_null(summary.progress_lost)},
          {"warnings", summary.warnings},
          {"conditions", std::move(conditions)},
          {"predictions", std::move(predictions)},
          {"steps_per_second", or_null(summary.steps_per_second)},
          {"warning_messages", summary.warning_messages},
          {"score", {{"spikes", score_json(summary.score.spikes)}, {"run", score_json(summary.score.run)}}},
          {"findings", std::move(findings)},
          {"skipped_steps", summary.skipped_steps}};
}

Summary summary_from_json(const nlohmann::ordered_json& document) {
  Summary summary;
  summary.final_loss = optional_at<double>(document, "final_loss");
  if (const Json& eval = document.at("eval"); !eval.is_null()) {
    summary.eval =
        EvaluationRecord{0, number_at(eval, "loss"), optional_at<double>(eval, "accuracy"), metrics_of(eval)};
  }
  summary.spikes = document.at("spikes");
  summary.episodes = document.at("episodes");
  summary.verdict = document.at("verdict");
  summary.progress_lost = optional_at<double>(document, "progress_lost");
  summary.skipped_steps = document.at("skipped_steps");
  summary.warnings = document.at("warnings");
  for (const Json& row : document.at("conditions")) summary.conditions.push_back(from_line<Condition>(row));
  for (const auto& [name, one] : document.at("predictions").items())
    summary.predictions.emplace_back(name, from_line<Prediction>(one));
  summary.steps_per_second = optional_at<double>(document, "steps_per_second");
  summary.warning_messages = document.at("warning_messages").get<std::vector<std::string>>();
  summary.score = {scores_of(document.at("score").at("spikes")), scores_of(document.at("score").at("run"))};
  for (const Json& one : document.at("findings"))
    summary.findings.push_back({one.at("condition"), one.at("kind"), one.at("message")});
  return summary;
}

Summary read_summary(const std::filesystem::path& path) {
  std::ifstream file(path);
  try {
    return summary_from_json(Json::parse(file));
  } catch (const Json::exception& error) {
    throw UserError("report", "expected a run's summary in " + path.string() + ", got " + error.what());
  }
}

std::string summary_text(const Summary& summary) {
  return summary_json(summary).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gradquake::report
