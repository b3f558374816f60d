// Predicts, at a spike and before its update, how long training will need to recover (docs/theory.md 3).
//
//   Delta = -gamma (u~ - u)          the displacement that the spike leaves, for plain SGD
//   twin's end      w - gamma (u + r + d w)     where the clean step would have gone, d the weight decay
//   displaced end   w - gamma (u~ + r + d w)    where the perturbed step goes
// At both ends Lanczos' iteration is started at Delta on the probe set, taps off, for kLanczosSteps products; the
// weights come back bit for bit. Beside it stands the recovery that bound (38) guarantees.
#pragma once

#include <optional>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/monitor/episode.h"
#include "gradquake/predict/run_theory.h"
#include "gradquake/train/callback.h"

namespace gradquake::predict {

inline constexpr int kLanczosSteps = 12;

// What a spike is seen with.
struct SpikeMoment {
  const StepRecord& record;
  const train::StepView& view;
  const measure::RunConstants& constants;  // as known at this step
  monitor::Levels levels;
  bool opens_episode = true;
};

class GRADQUAKE_EXPORT SpikePredictor {
 public:
  SpikePredictor(const train::Task& task, const measure::CurvatureProbe& probe, monitor::RecoveryConfig recovery)
      : task_(task), probe_(probe), recovery_(recovery) {}

  // Null, with the reason, where it does not apply: a later spike of an episode, an optimiser the theorems do not speak
  // of, no clean gradient, no level, nothing added at this step, or monitor.curvature.on_spike: none.
  SpikePrediction predict(const SpikeMoment& moment) const;

 private:
  void add_local(const SpikeMoment& moment, SpikePrediction& prediction) const;
  Prediction bound(const SpikeMoment& moment) const;

  const train::Task& task_;
  const measure::CurvatureProbe& probe_;
  monitor::RecoveryConfig recovery_;
};

}  // namespace gradquake::predict
