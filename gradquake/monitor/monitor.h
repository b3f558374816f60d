// Finds gradient spikes in a run and says of each whether training recovered. Torch-free: it sees plain step records.
//
//   Monitor monitor({}, info.layers);
//   for (each step, before its update) {
//     auto outcome = monitor.observe(record);
//     if (outcome.spike) announce(*outcome.spike);
//     for (const SpikeRecord& spike : outcome.closed) write(spike);
//   }
//   for (const SpikeRecord& spike : monitor.finish(false)) write(spike);
//   monitor.verdict();
//
// A spike is a step that the shadow detector or the robust detector names, or one with a non-finite norm or loss.
// Within a step: the open episode takes in the new values and is judged; then this step's spike is looked for, and
// joins what is still open or opens a new episode, whose levels include this step (whose update is still to come). All
// spikes of an episode are closed together and carry its verdict and recovery steps; gradient_recovery_steps is the
// count with the gradient band alone. What it hands out are values; curvature and predictions, which others make, are
// left empty in them.
//
// A checkpoint of the run's last step takes save() before finish(), so that a longer run can go on from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/monitor/causes.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/episode.h"
#include "gradquake/monitor/layer_scores.h"
#include "gradquake/monitor/progress.h"
#include "gradquake/monitor/robust_detector.h"
#include "gradquake/monitor/run_verdict.h"
#include "gradquake/monitor/shadow_detector.h"
#include "gradquake/monitor/window.h"

namespace gradquake::monitor {

class GRADQUAKE_EXPORT Monitor {
 public:
  // `layers`: names of the entries of StepRecord::layers. Throws UserError for a setting out of its range.
  Monitor(const MonitorConfig& config, std::vector<std::string> layers);

  struct Outcome {
    std::optional<SpikeRecord> spike;  // found at this step, still undecided
    bool opens_episode = false;        // it is the first of its episode
    Levels levels;                     // that its episode is judged by
    std::vector<SpikeRecord> closed;   // whose verdict fell at this step, oldest first
  };

  // One step, in order, before its update. Throws UserError for a step that does not follow the last one.
  Outcome observe(const StepRecord& record);

  const std::vector<SpikeRecord>& open_spikes() const { return open_; }

  // The run's end: what is undecided becomes diverged (where the run was stopped as non-finite, its weights are, or
  // every step was skipped as non-finite) or open.
  std::vector<SpikeRecord> finish(bool stopped_nonfinite);

  std::int64_t spikes() const { return spikes_; }  // found so far
  // The run so far, as if it ended here.
  RunVerdict verdict() const;

  // What a monitor of the same settings goes on from, bit for bit.
  struct State {
    std::string numbers;            // of detectors, windows and the open episode: JSON, inf and nan included
    std::vector<SpikeRecord> open;  // its undecided spikes
  };
  State save() const;
  // Throws UserError for `numbers` that are no such state, and then leaves the monitor as it was.
  void restore(const State& state);

 private:
  Levels levels() const;
  bool never_moved() const { return last_step_ >= 0 && !updated_; }
  std::optional<SpikeRecord> detect(const StepRecord& record) const;
  void admit(SpikeRecord spike, Outcome& outcome);
  void enter(const StepRecord& record, std::optional<double> norm);
  std::vector<SpikeRecord> close(const std::string& verdict);

  MonitorConfig config_;
  ShadowDetector shadow_;
  RobustDetector robust_;
  LayerScores layers_;
  RecentCauses causes_;
  Window level_norms_;
  Window level_losses_;
  Progress progress_;
  std::optional<Episode> episode_;
  std::vector<SpikeRecord> open_;  // the spikes of episode_
  std::int64_t last_step_ = -1;
  std::int64_t spikes_ = 0;
  std::int64_t episodes_ = 0;
  bool weights_finite_ = true;
  bool updated_ = false;        // at least one step was finite, so that training moved at all
  std::string worst_ = "none";  // of the closed episodes that count, and of the way the run ended
};

}  // namespace gradquake::monitor
