// What watches a run: every job beside the training itself, the program's own and yours, is one of these.
//
//   struct PrintSpikes : gradquake::run::Callback {
//     void on_spike(const SpikeRecord& spike, bool) override { std::cout << spike.step << '\n'; }
//   };
//
// Within a step the records are made first, in this order: what the monitor found, curvature, the prediction of the
// spike. Then the callbacks are called one after the other: files, screen, yours in the order of the config; each gets
// on_step, then on_spike where a spike was found, then on_closed where verdicts fell. Records are values: what a
// callback is handed it only reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/monitor/monitor.h"
#include "gradquake/train/callback.h"
#include "gradquake/train/task.h"

namespace gradquake::run {

struct RunFolder;

// A run that begins or goes on. What it refers to outlives the run's callbacks.
struct RunStart {
  const RunInfo& info;
  const train::Task& task;
  const RunFolder& folder;
  bool resumed = false;  // restore() follows
};

// One step, before its update, with all that was made of it. Valid during the call only.
struct RunStep {
  const StepRecord& record;
  const train::StepView& view;
  monitor::Monitor::Outcome found = {};            // empty without the monitor
  std::optional<CurvatureRecord> curvature = {};   // measured at this step
  std::optional<SpikePrediction> prediction = {};  // of this step's spike
  std::int64_t spikes = 0;                         // so far, this step's included
};

class GRADQUAKE_EXPORT Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_start(const RunStart&) {}
  virtual void on_step(const RunStep&) {}
  // A spike of this step, with its curvature and prediction; `opens_episode`: the first of its episode.
  virtual void on_spike(const SpikeRecord&, bool /*opens_episode*/) {}
  // The spikes of an episode, whose verdict fell: at a step, or at the run's end. As spikes.jsonl holds them.
  virtual void on_closed(const std::vector<SpikeRecord>&) {}
  // The model is task.model, as evaluated.
  virtual void on_evaluation(const EvaluationRecord&, const train::Task&) {}
  virtual void on_finish(const train::RunEnd&) {}
  // The state that a checkpoint keeps, and its way back: restore() is called after on_start, before the first step.
  virtual std::string save() { return {}; }
  virtual void restore(const std::string& /*state*/) {}
};

}  // namespace gradquake::run
