// How a run is watched and kept, beside what is trained (train::Task).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/measure/curvature_config.h"
#include "gradquake/monitor/config.h"
#include "gradquake/run/callback.h"
#include "gradquake/run/ledger_totals.h"
#include "gradquake/run/screen_callback.h"
#include "gradquake/train/trainer.h"

namespace gradquake::run {

struct Options {
  std::string name = "run";
  train::OnNonfinite on_nonfinite = train::OnNonfinite::kStop;
  monitor::MonitorConfig monitor;
  measure::CurvatureConfig curvature;
  std::int64_t shadow_interval = 1;        // steps between clean passes beside the perturbed ones; 0: off
  std::int64_t evaluate_interval = 200;    // steps; 0: at the end only
  std::int64_t checkpoint_interval = 500;  // steps; 0: at the end and on interruption only
  std::int64_t checkpoint_keep = 2;
  LedgerConfig ledger;
  std::string digest;  // what a checkpoint is bound to: resume refuses one of another digest
  std::vector<std::pair<std::string, std::shared_ptr<Callback>>> callbacks;  // of your own, by name, in their order

  std::function<void(const std::string&)> log;    // a line at a time; empty: silent
  bool log_episodes = true;                       // a line for each, too
  std::function<void(const Progress&)> progress;  // once a step; empty: none
  std::function<bool()> stop_requested;           // asked once a step; empty: never
};

}  // namespace gradquake::run
