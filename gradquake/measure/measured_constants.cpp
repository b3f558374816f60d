#include "gradquake/measure/measured_constants.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gradquake/measure/known_constants.h"
#include "gradquake/report/optional_json.h"

namespace gradquake::measure {

MeasuredConstants::MeasuredConstants(const train::Task& task)
    : task_(task),
      known_(known_constants(task)),
      injections_(task.plan->rules(), std::min(task.batch_size, task.data.train->size())) {}

void MeasuredConstants::add(const StepRecord& record) {
  injections_.add(record);
  // (11): ||grad l||^2 >= 2 mu (l - l*).
  if (!known_.closed_form || !known_.pl || !record.clean_loss || !record.clean_grad_norm) return;
  const double below = *record.clean_loss - *record.clean_grad_norm * *record.clean_grad_norm / (2 * *known_.pl);
  if (std::isfinite(below)) minimum_loss_ = std::max(below, minimum_loss_.value_or(0));
}

void MeasuredConstants::add(const CurvatureRecord& curvature, const CurvatureProbe::Gradient& gradient) {
  if (std::isfinite(curvature.smoothness) && (!smoothness_ || curvature.smoothness > *smoothness_)) {
    smoothness_ = curvature.smoothness;
    step_of_L_ = curvature.step;
  }
  if (std::isfinite(gradient.variance))
    largest_sample_variance_ = std::max(gradient.variance, largest_sample_variance_.value_or(0));
  const double pl = gradient.norm * gradient.norm / (2 * gradient.loss);
  if (std::isfinite(pl) && gradient.loss > 0) smallest_pl_ = std::min(pl, smallest_pl_.value_or(pl));
}

RunConstants MeasuredConstants::constants() const {
  RunConstants constants = known_;
  constants.minimum_loss = minimum_loss_;
  if (!constants.smoothness && smoothness_) {
    constants.smoothness = smoothness_;
    constants.step_of_L = step_of_L_;
  }
  if (!constants.gradient_variance && largest_sample_variance_)
    constants.gradient_variance = batch_variance(task_, *largest_sample_variance_);
  if (!constants.pl && constants.smoothness && smallest_pl_ && *smallest_pl_ > 0)
    constants.pl = std::min(*smallest_pl_, *constants.smoothness);
  return constants;
}

nlohmann::json MeasuredConstants::save() const {
  return {{"injections", injections_.save()},
          {"smoothness", report::or_null(smoothness_)},
          {"step_of_L", step_of_L_},
          {"sample_variance", report::or_null(largest_sample_variance_)},
          {"pl", report::or_null(smallest_pl_)},
          {"minimum_loss", report::or_null(minimum_loss_)}};
}

void MeasuredConstants::restore(const nlohmann::json& state) {
  injections_.restore(state.at("injections"));
  smoothness_ = report::optional_at<double>(state, "smoothness");
  step_of_L_ = state.at("step_of_L").get<std::int64_t>();
  largest_sample_variance_ = report::optional_at<double>(state, "sample_variance");
  smallest_pl_ = report::optional_at<double>(state, "pl");
  minimum_loss_ = report::optional_at<double>(state, "minimum_loss");
}

}  // namespace gradquake::measure
