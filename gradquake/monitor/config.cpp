#include "gradquake/monitor/config.h"

#include <cmath>
#include <string>

#include "gradquake/core/error.h"

namespace gradquake::monitor {
namespace {

void expect(bool holds, const std::string& name, const std::string& range, double value) {
  if (!holds) throw UserError("monitor", "expected " + name + " " + range + ", got " + std::to_string(value));
}

}  // namespace

void check(const MonitorConfig& config) {
  const SpikeConfig& spikes = config.spikes;
  expect(spikes.shadow_ratio > 0 && std::isfinite(spikes.shadow_ratio), "spikes.shadow_ratio", "> 0",
         spikes.shadow_ratio);
  expect(spikes.robust_score > 0 && std::isfinite(spikes.robust_score), "spikes.robust_score", "> 0",
         spikes.robust_score);
  expect(spikes.window >= 1, "spikes.window", ">= 1", spikes.window);
  expect(spikes.warmup >= 1, "spikes.warmup", ">= 1", spikes.warmup);

  const RecoveryConfig& recovery = config.recovery;
  expect(recovery.factor >= 1 && std::isfinite(recovery.factor), "recovery.factor", ">= 1", recovery.factor);
  expect(recovery.ewma > 0 && recovery.ewma <= 1, "recovery.ewma", "in (0, 1]", recovery.ewma);
  expect(recovery.level_window >= 1, "recovery.level_window", ">= 1", recovery.level_window);
  expect(recovery.hold >= 1, "recovery.hold", ">= 1", recovery.hold);
  expect(recovery.plateau_window >= 2, "recovery.plateau_window", ">= 2", recovery.plateau_window);
  expect(recovery.diverged_loss_factor > 1 && std::isfinite(recovery.diverged_loss_factor),
         "recovery.diverged_loss_factor", "> 1", recovery.diverged_loss_factor);
}

}  // namespace gradquake::monitor
