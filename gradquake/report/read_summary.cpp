#include "gradquake/report/read_summary.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "gradquake/core/error.h"
#include "gradquake/report/optional_json.h"

namespace gradquake::report {
namespace {

using SummaryFile = nlohmann::ordered_json;

std::string said(const SummaryFile& object, const char* key) {
  return optional_at<std::string>(object, key).value_or("");
}

Condition condition_of(const SummaryFile& one) {
  return {said(one, "name"),
          said(one, "equation"),
          said(one, "variant"),
          optional_at<double>(one, "value"),
          optional_at<double>(one, "threshold"),
          optional_at<double>(one, "margin"),
          optional_at<bool>(one, "holds"),
          said(one, "note")};
}

Summary summary_of(const SummaryFile& document) {
  Summary summary;
  summary.final_loss = optional_at<double>(document, "final_loss");
  if (const SummaryFile& eval = document.at("eval"); !eval.is_null()) {
    summary.eval.emplace();
    summary.eval->loss = optional_at<double>(eval, "loss").value_or(std::numeric_limits<double>::quiet_NaN());
    summary.eval->accuracy = optional_at<double>(eval, "accuracy");
  }
  summary.spikes = document.at("spikes");
  summary.episodes = document.at("episodes");
  summary.verdict = document.at("verdict");
  summary.progress_lost = optional_at<double>(document, "progress_lost");
  summary.warnings = document.at("warnings");
  for (const SummaryFile& condition : document.at("conditions")) summary.conditions.push_back(condition_of(condition));
  for (const auto& [name, one] : document.at("predictions").items()) {
    summary.predictions.emplace_back(
        name, Prediction{optional_at<double>(one, "value"), said(one, "equation"), said(one, "reason")});
  }
  summary.steps_per_second = optional_at<double>(document, "steps_per_second");
  const SummaryFile known = summary_json(Summary{});
  for (const auto& [name, value] : document.items()) {
    if (!known.contains(name)) summary.more.emplace_back(name, value.dump());
  }
  return summary;
}

}  // namespace

Summary read_summary(const std::filesystem::path& path) {
  try {
    return summary_of(SummaryFile::parse(std::ifstream(path)));
  } catch (const nlohmann::json::exception& error) {
    throw UserError("report", "expected a run's summary in " + path.string() + ", got " + error.what());
  }
}

}  // namespace gradquake::report
