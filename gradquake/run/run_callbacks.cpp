#include "gradquake/run/run_callbacks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gradquake/core/error.h"
#include "gradquake/report/record_json.h"

namespace gradquake::run {

RunCallbacks::RunCallbacks(const train::Task& task, const RunFolder& folder)
    : task_(task), folder_(folder), constants_(task) {}

RunCallbacks::~RunCallbacks() = default;

void RunCallbacks::measure_curvature(const measure::CurvatureProbe& probe) {
  curvature_ = std::make_unique<CurvatureMaker>(probe, constants_);
}

void RunCallbacks::predict_spikes(const measure::CurvatureProbe& probe, const monitor::RecoveryConfig& recovery) {
  predictions_ = std::make_unique<PredictionMaker>(task_, probe, constants_, recovery);
}

void RunCallbacks::add(const std::string& name, std::shared_ptr<run::Callback> callback) {
  if (std::any_of(callbacks_.begin(), callbacks_.end(), [&](const auto& one) { return one.first == name; }))
    throw UserError("run", "expected callbacks with names of their own, got a second '" + name + "'");
  callbacks_.emplace_back(name, std::move(callback));
}

template <class Call>
void RunCallbacks::tell(const Call& call) {
  for (auto& [name, callback] : callbacks_) {
    try {
      call(*callback);
    } catch (const UserError&) {
      throw;
    } catch (const DiskError&) {
      throw;
    } catch (const std::exception& error) {
      throw UserError("run", "callback '" + name + "': " + error.what());
    }
  }
}

void RunCallbacks::on_start(const RunInfo& info) {
  if (monitor_config_) monitor_ = std::make_unique<monitor::Monitor>(*monitor_config_, info.layers);
  const bool resumed = !restored_.empty();
  tell([&](run::Callback& callback) { callback.on_start({info, task_, folder_, resumed}); });
  if (!resumed) return;

  const nlohmann::json state = nlohmann::json::parse(restored_);
  if (monitor_) {
    monitor::Monitor::State saved{state.at("monitor").at("numbers").get<std::string>(), {}};
    for (const nlohmann::json& spike : state.at("monitor").at("open"))
      saved.open.push_back(report::from_line<SpikeRecord>(nlohmann::json::parse(spike.get<std::string>())));
    monitor_->restore(saved);
  }
  constants_.restore(state.at("constants"));
  parts_.restore(state.at("spike_parts"));
  for (auto& [name, callback] : callbacks_) {
    const auto saved = state.at("callbacks").find(name);
    if (saved == state.at("callbacks").end())
      throw UserError("run", "expected a checkpoint with the state of the callback '" + name + "', got one without");
    callback->restore(saved->get<std::string>());
  }
}

std::string RunCallbacks::save() {
  nlohmann::json state;
  if (monitor_) {
    const monitor::Monitor::State saved = monitor_->save();
    state["monitor"] = {{"numbers", saved.numbers}, {"open", nlohmann::json::array()}};
    for (const SpikeRecord& spike : saved.open) state["monitor"]["open"].push_back(report::to_line(spike));
  }
  state["constants"] = constants_.save();
  state["spike_parts"] = parts_.save();
  state["callbacks"] = nlohmann::json::object();
  for (auto& [name, callback] : callbacks_) state["callbacks"][name] = callback->save();
  return state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void RunCallbacks::restore(const std::string& state) { restored_ = state; }

void RunCallbacks::before_update(const StepRecord& record, const train::StepView& view) {
  RunStep step{.record = record, .view = view};
  constants_.add(record);
  if (monitor_) {
    step.found = monitor_->observe(record);
    step.spikes = monitor_->spikes();
  }
  if (curvature_) step.curvature = curvature_->make(record, step.found);
  if (predictions_) step.prediction = predictions_->make(record, view, step.found);

  const bool opens = step.found.opens_episode;
  if (step.found.spike) {
    const bool with_curvature = curvature_ && curvature_->belongs_to_spike(opens);
    parts_.add(record.step, with_curvature ? step.curvature : std::nullopt, step.prediction);
  }
  tell([&](run::Callback& callback) { callback.on_step(step); });
  if (step.found.spike) {
    const SpikeRecord spike = parts_.joined(*step.found.spike);
    tell([&](run::Callback& callback) { callback.on_spike(spike, opens); });
  }
  close(step.found.closed);
}

void RunCallbacks::close(const std::vector<SpikeRecord>& spikes) {
  if (spikes.empty()) return;
  std::vector<SpikeRecord> whole;
  for (const SpikeRecord& spike : spikes) {
    whole.push_back(parts_.joined(spike));
    parts_.forget(spike.step);
  }
  tell([&](run::Callback& callback) { callback.on_closed(whole); });
}

void RunCallbacks::on_evaluation(const EvaluationRecord& record) {
  last_evaluation_ = record;
  tell([&](run::Callback& callback) { callback.on_evaluation(record, task_); });
}

void RunCallbacks::on_finish(const train::RunEnd& end) {
  if (monitor_ && !end.interrupted) close(monitor_->finish(end.stopped_nonfinite));
  tell([&](run::Callback& callback) { callback.on_finish(end); });
}

monitor::RunVerdict RunCallbacks::verdict() const { return monitor_ ? monitor_->verdict() : monitor::RunVerdict{}; }

}  // namespace gradquake::run
