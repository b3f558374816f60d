// The jobs that make records of their own from a step, each a value handed on: the monitor, curvature, predictions.
// Each can be left out of a run, and each goes on exactly from its saved state.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/measure/measured_constants.h"
#include "gradquake/monitor/monitor.h"
#include "gradquake/predict/spike_predictor.h"
#include "gradquake/train/callback.h"

namespace gradquake::run {

// Curvature at the steps that monitor.curvature names and at the first spike of an episode.
class GRADQUAKE_EXPORT CurvatureMaker {
 public:
  // `constants` takes in what is measured. Both outlive the maker.
  CurvatureMaker(const measure::CurvatureProbe& probe, measure::MeasuredConstants& constants)
      : probe_(probe), constants_(constants) {}

  std::optional<CurvatureRecord> make(const StepRecord& record, const monitor::Monitor::Outcome& found) const;
  // Whether a spike's record holds the curvature of its step.
  bool belongs_to_spike(bool opens_episode) const;

 private:
  const measure::CurvatureProbe& probe_;
  measure::MeasuredConstants& constants_;
};

// The prediction of a spike, at its own step.
class GRADQUAKE_EXPORT PredictionMaker {
 public:
  // `constants` as known at the step. All outlive the maker.
  PredictionMaker(const train::Task& task, const measure::CurvatureProbe& probe,
                  const measure::MeasuredConstants& constants, const monitor::RecoveryConfig& recovery)
      : predictor_(task, probe, recovery), constants_(constants) {}

  std::optional<SpikePrediction> make(const StepRecord& record, const train::StepView& view,
                                      const monitor::Monitor::Outcome& found) const;

 private:
  predict::SpikePredictor predictor_;
  const measure::MeasuredConstants& constants_;
};

// Curvature and predictions of undecided spikes, kept by step until the spike is written.
class GRADQUAKE_EXPORT SpikeParts {
 public:
  void add(std::int64_t step, const std::optional<CurvatureRecord>& curvature,
           const std::optional<SpikePrediction>& prediction);
  // The whole record: the spike with the parts of its step.
  SpikeRecord joined(SpikeRecord spike) const;
  void forget(std::int64_t step) { parts_.erase(step); }

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  struct Parts {
    std::optional<CurvatureRecord> curvature;
    std::optional<SpikePrediction> prediction;
  };
  std::map<std::int64_t, Parts> parts_;
};

}  // namespace gradquake::run
