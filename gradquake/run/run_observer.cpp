#include "gradquake/run/run_observer.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gradquake/measure/known_constants.h"
#include "gradquake/report/lines.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/print.h"

namespace gradquake::run {
namespace {

constexpr const char* kFiles[] = {"steps", "spikes", "predictions", "ledger", "evaluations", "curvature"};

}  // namespace

RunObserver::RunObserver(const RunConfig& config, const train::Task& task, const RunFolder& folder,
                         const measure::CurvatureProbe& probe, RunHooks hooks)
    : config_(config),
      task_(task),
      folder_(folder),
      probe_(probe),
      hooks_(std::move(hooks)),
      known_(measure::known_constants(task)),
      injections_(config.plain_rules(), std::min(config.data.batch_size, task.data.train->size())) {}

RunObserver::~RunObserver() = default;

void RunObserver::on_start(const RunInfo& info) {
  steps_ = info.steps;
  monitor_ = std::make_unique<monitor::Monitor>(config_.monitor, info.layers);
  nlohmann::json state = restored_.empty() ? nlohmann::json::object() : nlohmann::json::parse(restored_);
  for (const char* name : kFiles) {
    const std::uint64_t keep = restored_.empty() ? 0 : state["files"][name].get<std::uint64_t>();
    files_[name] = std::make_unique<report::JsonLines>(folder_.file(std::string(name) + ".jsonl"), keep);
  }
  if (restored_.empty()) return;
  monitor_->restore(state["monitor"].get<std::string>());
  injections_.restore(state["injections"]);
  largest_sample_variance_ = report::optional_at<double>(state, "sample_variance");
  smallest_pl_ = report::optional_at<double>(state, "pl");
  minimum_loss_ = report::optional_at<double>(state, "minimum_loss");
  if (!state["sharpest"].is_null()) {
    const auto& sharp = state["sharpest"];
    sharpest_ = CurvatureRecord{.step = sharp["step"], .smoothness = sharp["smoothness"]};
  }
}

std::string RunObserver::save() {
  nlohmann::json state;
  for (auto& [name, lines] : files_) {
    lines->sync();
    state["files"][name] = lines->position();
  }
  state["monitor"] = monitor_->save();
  state["injections"] = injections_.save();
  state["sample_variance"] = report::or_null(largest_sample_variance_);
  state["pl"] = report::or_null(smallest_pl_);
  state["minimum_loss"] = report::or_null(minimum_loss_);
  state["sharpest"] = nullptr;
  if (sharpest_) {
    state["sharpest"] = {{"step", sharpest_->step}, {"smoothness", sharpest_->smoothness}};
  }
  return state.dump();
}

void RunObserver::restore(const std::string& state) { restored_ = state; }

void RunObserver::before_update(const StepRecord& record, const train::StepView& view) {
  std::optional<CurvatureRecord> curvature;
  if (config_.curvature.due(record.step)) curvature = measure(record);
  injections_.add(record);
  bound_minimum(record);

  monitor::Monitor::Outcome outcome = monitor_->observe(record);
  if (outcome.detected) {
    SpikeRecord& spike = *monitor_->open_spike(record.step);
    if (outcome.opens_episode && config_.curvature.on_spike == "first") {
      if (!curvature && record.weights_finite) curvature = measure(record);
      spike.curvature = curvature;
    }
    predict(record, view, outcome.opens_episode);
    if (hooks_.log) hooks_.log(report::spike_text(spike));
  }
  for (const SpikeRecord& spike : outcome.closed) file("spikes").write(report::spike_line(spike));
  for (const InjectionRecord& injection : record.injections) file("ledger").write(report::ledger_line(injection));
  file("steps").write(report::step_line(record, outcome.spike));
  if (hooks_.progress) {
    hooks_.progress({record.step + 1, steps_, record.loss, record.grad_norm, monitor_->verdict().spikes});
  }
}

CurvatureRecord RunObserver::measure(const StepRecord& record) {
  const CurvatureRecord curvature = probe_.measure(record.step, record.learning_rate);
  file("curvature").write(report::curvature_line(curvature));
  if (std::isfinite(curvature.smoothness) && (!sharpest_ || curvature.smoothness > sharpest_->smoothness)) {
    sharpest_ = curvature;
  }
  const measure::CurvatureProbe::Gradient gradient = probe_.gradient();
  if (std::isfinite(gradient.variance)) {
    largest_sample_variance_ = std::max(gradient.variance, largest_sample_variance_.value_or(0));
  }
  const double pl = gradient.norm * gradient.norm / (2 * gradient.loss);
  if (std::isfinite(pl) && gradient.loss > 0) smallest_pl_ = std::min(pl, smallest_pl_.value_or(pl));
  return curvature;
}

// (11): ||grad l||^2 >= 2 mu (l - l*).
void RunObserver::bound_minimum(const StepRecord& record) {
  if (!known_.closed_form || !known_.pl || !record.clean_loss || !record.clean_grad_norm) return;
  const double below = *record.clean_loss - *record.clean_grad_norm * *record.clean_grad_norm / (2 * *known_.pl);
  if (std::isfinite(below)) minimum_loss_ = std::max(below, minimum_loss_.value_or(0));
}

measure::RunConstants RunObserver::constants() const {
  measure::RunConstants constants = known_;
  constants.minimum_loss = minimum_loss_;
  if (!constants.smoothness && sharpest_) {
    constants.smoothness = sharpest_->smoothness;
    constants.step_of_L = sharpest_->step;
  }
  if (!constants.gradient_variance && largest_sample_variance_) {
    constants.gradient_variance = measure::batch_variance(task_, *largest_sample_variance_);
  }
  if (!constants.pl && constants.smoothness && smallest_pl_ && *smallest_pl_ > 0) {
    constants.pl = std::min(*smallest_pl_, *constants.smoothness);
  }
  return constants;
}

void RunObserver::predict(const StepRecord& record, const train::StepView& view, bool opens_episode) {
  const measure::RunConstants known = constants();
  const predict::SpikePrediction prediction =
      predict::SpikePredictor(task_, probe_, config_.monitor.recovery)
          .predict({record, view, known, monitor_->open_levels().value_or(monitor::Levels{}), opens_episode});
  SpikeRecord& spike = *monitor_->open_spike(record.step);
  spike.predicted = prediction.local;
  spike.predicted_displaced = prediction.displaced;
  if (opens_episode) file("predictions").write(predict::prediction_line(prediction));
}

void RunObserver::on_evaluation(const EvaluationRecord& record) {
  last_evaluation_ = record;
  file("evaluations").write(report::evaluation_line(record));
}

void RunObserver::on_finish(const train::RunEnd& end) {
  if (!end.interrupted) {
    for (const SpikeRecord& spike : monitor_->finish(end.stopped_nonfinite)) {
      file("spikes").write(report::spike_line(spike));
    }
  }
  for (auto& [name, lines] : files_) lines->sync();
}

}  // namespace gradquake::run
