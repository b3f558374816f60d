// How a run is watched and kept, beside what is trained (train::Task).
#pragma once

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

// The loop's own options, and what watches it. A run writes its checkpoints into its folder, whatever checkpoint_folder
// says.
struct Options : train::TrainerOptions {
  Options() {
    evaluate_interval = 200;
    checkpoint_interval = 500;
  }

  monitor::MonitorConfig monitor;
  measure::CurvatureConfig curvature;
  LedgerConfig ledger;
  std::vector<std::pair<std::string, std::shared_ptr<Callback>>> callbacks;  // of your own, by name, in their order

  std::function<void(const std::string&)> log;    // a line at a time; empty: silent
  bool log_episodes = true;                       // a line for each, too
  std::function<void(const Progress&)> progress;  // once a step; empty: none
};

}  // namespace gradquake::run
