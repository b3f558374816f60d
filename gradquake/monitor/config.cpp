#include "gradquake/monitor/config.h"

#include <cmath>
#include <string>

#include "gradquake/config/reader.h"
#include "gradquake/core/error.h"

namespace gradquake::monitor {
namespace {

void expect(bool holds, const std::string& name, const std::string& range, double value) {
  if (!holds) throw UserError("monitor", "expected " + name + " " + range + ", got " + std::to_string(value));
}

}  // namespace

MonitorConfig read_monitor(config::Reader& reader) {
  MonitorConfig monitor;
  config::Reader spikes = reader.section("spikes");
  monitor.spikes.shadow_ratio = spikes.number("shadow_ratio", monitor.spikes.shadow_ratio, config::Range::positive());
  monitor.spikes.robust_score = spikes.number("robust_score", monitor.spikes.robust_score, config::Range::positive());
  monitor.spikes.window = static_cast<int>(spikes.integer("window", monitor.spikes.window, 1, 1000000));
  monitor.spikes.warmup = static_cast<int>(spikes.integer("warmup", monitor.spikes.warmup, 1, monitor.spikes.window));
  spikes.finish();
  config::Reader recovery = reader.section("recovery");
  auto& r = monitor.recovery;
  r.factor = recovery.number("factor", r.factor, config::Range::at_least(1));
  r.ewma = recovery.number("ewma", r.ewma, config::Range{.min = 0, .max = 1, .min_open = true});
  r.level_window = static_cast<int>(recovery.integer("level_window", r.level_window, 1, 1000000));
  r.hold = static_cast<int>(recovery.integer("hold", r.hold, 1, 1000000));
  r.plateau_window = static_cast<int>(recovery.integer("plateau_window", r.plateau_window, 2, 1000000));
  r.diverged_loss_factor =
      recovery.number("diverged_loss_factor", r.diverged_loss_factor, config::Range{.min = 1, .min_open = true});
  recovery.finish();
  return monitor;
}

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
