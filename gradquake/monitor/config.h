// Settings of the spike detectors and of the recovery tracker, with their defaults (config keys monitor.spikes and
// monitor.recovery).
#pragma once

#include "gradquake/hooks/export.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::monitor {

struct SpikeConfig {
  double shadow_ratio = 1.0;  // tau > 0: a shadow spike has ||u~ - u|| >= tau ||u + r||
  double robust_score = 5.0;  // > 0: a robust spike lies this many robust deviations of ln ||u~ + r|| above the median
  int window = 200;           // >= 1 values, what a detector compares a step with
  int warmup = 20;            // >= 1 values before the robust detector speaks
};

struct RecoveryConfig {
  double factor = 1.5;               // >= 1: the band reaches up to factor x level
  double ewma = 0.3;                 // in (0, 1], weight of the new value: e <- (1 - ewma) e + ewma n
  int level_window = 20;             // >= 1 known values, behind level and loss_level
  int hold = 10;                     // >= 1 known values in a row that make a recovery (or a divergence)
  int plateau_window = 200;          // >= 2 known values in a row out of band that may make a plateau
  double diverged_loss_factor = 10;  // > 1: diverged above this many times the first clean loss
};

struct MonitorConfig {
  SpikeConfig spikes;
  RecoveryConfig recovery;
};

// Reads the keys spikes and recovery of the section `monitor`, whose other keys belong to others. Throws UserError.
GRADQUAKE_EXPORT MonitorConfig read_monitor(config::Reader& reader);

// Throws UserError("monitor", ...) that names the first setting out of its range.
GRADQUAKE_EXPORT void check(const MonitorConfig& config);

}  // namespace gradquake::monitor
