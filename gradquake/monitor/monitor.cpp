#include "gradquake/monitor/monitor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/monitor/known.h"
#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

const MonitorConfig& checked(const MonitorConfig& config) {
  check(config);
  return config;
}

bool is_finite(const StepRecord& record) {
  return record.finite && std::isfinite(record.loss) && std::isfinite(record.grad_norm);
}

}  // namespace

Monitor::Monitor(const MonitorConfig& config, std::vector<std::string> layers)
    : config_(checked(config)),
      shadow_(config.spikes),
      robust_(config.spikes),
      layers_(config.spikes, std::move(layers)),
      level_norms_(config.recovery.level_window),
      level_losses_(config.recovery.level_window) {}

Monitor::Outcome Monitor::observe(const StepRecord& record) {
  if (record.step <= last_step_) {
    throw UserError(
        "monitor", "expected a step after " + std::to_string(last_step_) + ", got step " + std::to_string(record.step));
  }
  last_step_ = record.step;
  weights_finite_ = weights_finite_ && record.weights_finite;
  updated_ = updated_ || is_finite(record);
  const auto norm = known_norm(record);
  const auto loss = known_loss(record);
  if (norm) level_norms_.push(*norm);
  if (loss) {
    level_losses_.push(*loss);
    progress_.observe(*loss, level_losses_.median());
  }
  causes_.observe(record);

  Outcome outcome;
  if (episode_) {
    const auto verdict = episode_->observe({record.step, norm, loss, progress_.first_loss(), weights_finite_});
    if (const auto steps = episode_->gradient_recovery_steps()) {
      for (SpikeRecord& spike : open_)
        if (!spike.gradient_recovery_steps) spike.gradient_recovery_steps = steps;
    }
    if (!verdict.empty()) {
      worst_ = worse_verdict(worst_, verdict);
      outcome.closed = close(verdict);
    }
  }
  if (auto spike = detect(record)) admit(std::move(*spike), outcome);
  enter(record, norm);
  return outcome;
}

std::optional<SpikeRecord> Monitor::detect(const StepRecord& record) const {
  const bool finite = is_finite(record);
  const bool shadow = shadow_.detects(record);
  const auto score = robust_.score(record.grad_norm);
  const bool robust = score && *score >= config_.spikes.robust_score;
  if (finite && !shadow && !robust) return std::nullopt;

  SpikeRecord spike;
  spike.step = record.step;
  spike.detector = !finite ? "nonfinite" : shadow && robust ? "both" : shadow ? "shadow" : "robust";
  spike.score = score;
  spike.grad_norm = record.grad_norm;
  spike.clean_grad_norm = record.clean_grad_norm;
  spike.grad_error = record.grad_error;
  spike.layer = record.nonfinite_at.empty() ? layers_.worst(record.layers) : record.nonfinite_at;
  spike.causes = causes_.at(record.step);
  return spike;
}

void Monitor::admit(SpikeRecord spike, Outcome& outcome) {
  if (episode_) {
    episode_->join(spike.step);
  } else {
    episode_.emplace(config_.recovery, levels(), spike.step);
    ++episodes_;
    outcome.opens_episode = true;
  }
  ++spikes_;
  spike.level = episode_->levels().level;
  spike.loss_level = episode_->levels().loss_level;
  spike.episode = episodes_ - 1;
  open_.push_back(spike);
  outcome.levels = episode_->levels();
  outcome.spike = std::move(spike);
}

Levels Monitor::levels() const {
  Levels levels;
  if (!level_norms_.empty()) {
    levels.level = level_norms_.median();
    levels.norm_mad = level_norms_.mad();
  }
  if (!level_losses_.empty()) {
    levels.loss_level = level_losses_.median();
    levels.loss_mad = level_losses_.mad();
  }
  return levels;
}

void Monitor::enter(const StepRecord& record, std::optional<double> norm) {
  if (norm) shadow_.enter(*norm);
  robust_.enter(record.grad_norm);
  layers_.enter(record.layers);
}

std::vector<SpikeRecord> Monitor::close(const std::string& verdict) {
  for (SpikeRecord& spike : open_) {
    spike.verdict = verdict;
    spike.observed_recovery_steps = episode_->recovery_steps();
  }
  episode_.reset();
  return std::exchange(open_, {});
}

std::vector<SpikeRecord> Monitor::finish(bool stopped_nonfinite) {
  const bool diverged = stopped_nonfinite || !weights_finite_ || never_moved();
  if (diverged)
    worst_ = "diverged";
  else if (episode_ && !episode_->too_young_to_tell())
    worst_ = worse_verdict(worst_, "open");
  return close(diverged ? "diverged" : "open");
}

RunVerdict Monitor::verdict() const {
  auto worst = weights_finite_ && !never_moved() ? worst_ : "diverged";
  if (episode_ && !episode_->too_young_to_tell()) worst = worse_verdict(worst, "open");
  return run_verdict(worst, spikes_, episodes_, progress_);
}

Monitor::State Monitor::save() const {
  nlohmann::json numbers{{"last_step", last_step_},
                         {"spikes", spikes_},
                         {"episodes", episodes_},
                         {"weights_finite", weights_finite_},
                         {"updated", updated_},
                         {"worst", worst_},
                         {"shadow", shadow_.save()},
                         {"robust", robust_.save()},
                         {"layers", layers_.save()},
                         {"causes", causes_.save()},
                         {"level_norms", level_norms_.save()},
                         {"level_losses", level_losses_.save()},
                         {"progress", progress_.save()},
                         {"episode", episode_ ? episode_->save() : nlohmann::json(nullptr)}};
  return {numbers.dump(), open_};
}

void Monitor::restore(const State& saved) {
  Monitor restored = *this;
  try {
    const auto state = nlohmann::json::parse(saved.numbers);
    restored.last_step_ = state.at("last_step").get<std::int64_t>();
    restored.spikes_ = state.at("spikes").get<std::int64_t>();
    restored.episodes_ = state.at("episodes").get<std::int64_t>();
    restored.weights_finite_ = state.at("weights_finite").get<bool>();
    restored.updated_ = state.at("updated").get<bool>();
    restored.worst_ = worse_verdict(state.at("worst").get<std::string>(), "none");
    restored.shadow_.restore(state.at("shadow"));
    restored.robust_.restore(state.at("robust"));
    restored.layers_.restore(state.at("layers"));
    restored.causes_.restore(state.at("causes"));
    restored.level_norms_.restore(state.at("level_norms"));
    restored.level_losses_.restore(state.at("level_losses"));
    restored.progress_.restore(state.at("progress"));
    restored.episode_.reset();
    if (!state.at("episode").is_null()) {
      restored.episode_.emplace(config_.recovery, Levels{}, 0);
      restored.episode_->restore(state.at("episode"));
    }
    restored.open_ = saved.open;
  } catch (const std::exception& error) {
    throw UserError("monitor", std::string("expected a saved monitor state, got: ") + error.what());
  }
  *this = std::move(restored);
}

}  // namespace gradquake::monitor
