#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {
namespace {

std::string cause_json(const SpikeCause& cause) {
  return JsonText()
      .field("rule", cause.rule)
      .field("site", cause.site)
      .field("direction", cause.direction)
      .field("norm", cause.norm)
      .field("steps_ago", cause.steps_ago)
      .take();
}

std::string causes_json(const std::vector<SpikeCause>& causes) {
  std::string list = "[";
  for (const SpikeCause& cause : causes) {
    if (list.size() > 1) list += ',';
    list += cause_json(cause);
  }
  return list + "]";
}

std::vector<SpikeCause> causes_of(const nlohmann::json& list) {
  std::vector<SpikeCause> causes;
  for (const auto& cause : list) {
    causes.push_back(
        {cause.at("rule"), cause.at("site"), cause.at("direction"), number_at(cause, "norm"), cause.at("steps_ago")});
  }
  return causes;
}

}  // namespace

std::string to_line(const SpikeRecord& spike) {
  return JsonText()
      .field("step", spike.step)
      .field("detector", spike.detector)
      .field("score", spike.score)
      .field("grad_norm", spike.grad_norm)
      .field("clean_grad_norm", spike.clean_grad_norm)
      .field("grad_error", spike.grad_error)
      .text_or_null("layer", spike.layer)
      .raw("causes", causes_json(spike.causes))
      .field("level", spike.level)
      .field("loss_level", spike.loss_level)
      .raw("curvature", spike.curvature ? to_line(*spike.curvature) : "null")
      .raw("predicted", to_line(spike.predicted))
      .raw("predicted_displaced", to_line(spike.predicted_displaced))
      .field("observed_recovery_steps", spike.observed_recovery_steps)
      .field("gradient_recovery_steps", spike.gradient_recovery_steps)
      .field("verdict", spike.verdict)
      .field("episode", spike.episode)
      .take();
}

template <>
SpikeRecord from_line(const nlohmann::json& line) {
  SpikeRecord spike;
  spike.step = line.at("step");
  spike.detector = line.at("detector");
  spike.score = optional_at<double>(line, "score");
  spike.grad_norm = optional_at<double>(line, "grad_norm");
  spike.clean_grad_norm = optional_at<double>(line, "clean_grad_norm");
  spike.grad_error = optional_at<double>(line, "grad_error");
  spike.layer = text_at(line, "layer");
  spike.causes = causes_of(line.at("causes"));
  spike.level = optional_at<double>(line, "level");
  spike.loss_level = optional_at<double>(line, "loss_level");
  if (!line.at("curvature").is_null()) spike.curvature = from_line<CurvatureRecord>(line.at("curvature"));
  spike.predicted = from_line<Prediction>(line.at("predicted"));
  spike.predicted_displaced = from_line<Prediction>(line.at("predicted_displaced"));
  spike.observed_recovery_steps = optional_at<std::int64_t>(line, "observed_recovery_steps");
  spike.gradient_recovery_steps = optional_at<std::int64_t>(line, "gradient_recovery_steps");
  spike.verdict = line.at("verdict");
  spike.episode = line.at("episode");
  return spike;
}

}  // namespace gradquake::report
