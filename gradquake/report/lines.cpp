#include "gradquake/report/lines.h"

#include <cmath>

#include "gradquake/report/json_text.h"

namespace gradquake::report {
namespace {

JsonText& text_or_null(JsonText& json, std::string_view name, const std::string& value) {
  return value.empty() ? json.null(name) : json.field(name, value);
}

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

}  // namespace

std::string step_line(const StepRecord& record, bool spike) {
  const bool finite = record.finite && std::isfinite(record.loss) && std::isfinite(record.grad_norm);
  return JsonText()
      .field("step", record.step)
      .field("epoch", record.epoch)
      .field("loss", record.loss)
      .field("learning_rate", record.learning_rate)
      .field("grad_norm", record.grad_norm)
      .field("clean_loss", record.clean_loss)
      .field("clean_grad_norm", record.clean_grad_norm)
      .field("grad_error", record.grad_error)
      .field("finite", finite)
      .field("spike", spike)
      .field("injections", static_cast<std::int64_t>(record.injections.size()))
      .take();
}

std::string spike_line(const SpikeRecord& spike) {
  JsonText json;
  json.field("step", spike.step)
      .field("detector", spike.detector)
      .field("score", spike.score)
      .field("grad_norm", spike.grad_norm)
      .field("clean_grad_norm", spike.clean_grad_norm)
      .field("grad_error", spike.grad_error);
  return text_or_null(json, "layer", spike.layer)
      .raw("causes", causes_json(spike.causes))
      .field("level", spike.level)
      .field("loss_level", spike.loss_level)
      .raw("curvature", spike.curvature ? curvature_line(*spike.curvature) : "null")
      .raw("predicted", prediction_json(spike.predicted))
      .raw("predicted_displaced", prediction_json(spike.predicted_displaced))
      .field("observed_recovery_steps", spike.observed_recovery_steps)
      .field("gradient_recovery_steps", spike.gradient_recovery_steps)
      .field("verdict", spike.verdict)
      .field("episode", spike.episode)
      .take();
}

std::string ledger_line(const InjectionRecord& injection) {
  return JsonText()
      .field("step", injection.step)
      .field("rule", injection.rule)
      .field("site", injection.site)
      .field("direction", injection.direction)
      .field("occurrence", injection.occurrence)
      .field("elements", injection.elements)
      .field("norm", injection.norm)
      .field("relative_norm", injection.relative_norm)
      .take();
}

std::string evaluation_line(const EvaluationRecord& evaluation) {
  return JsonText()
      .field("step", evaluation.step)
      .field("loss", evaluation.loss)
      .field("accuracy", evaluation.accuracy)
      .take();
}

std::string curvature_line(const CurvatureRecord& curvature) {
  return JsonText()
      .field("step", curvature.step)
      .field("lambda_max", curvature.lambda_max)
      .field("lambda_min", curvature.lambda_min)
      .field("lambda_min_bound", curvature.lambda_min_bound)
      .field("smoothness", curvature.smoothness)
      .field("gamma_L", curvature.gamma_L)
      .field("products", static_cast<std::int64_t>(curvature.products))
      .take();
}

std::string prediction_json(const Prediction& prediction) {
  JsonText json;
  json.field("value", prediction.value);
  text_or_null(json, "equation", prediction.equation);
  return text_or_null(json, "reason", prediction.reason).take();
}

}  // namespace gradquake::report
