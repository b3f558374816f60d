// The rules of spikes and recovery written out from their definitions, with the whole past at hand and nothing kept
// from step to step: the yardstick of the streaming monitor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/run_verdict.h"

namespace gradquake::monitor::test {

struct NaiveResult {
  std::vector<SpikeRecord> spikes;  // in order of step; without layer and causes
  std::string worst;                // of the episodes that count
  std::int64_t episodes = 0;
  std::optional<double> progress_lost;
};

NaiveResult naive_monitor(const std::vector<StepRecord>& records, const MonitorConfig& config);

// A run with two layers in which everything happens: trends, noise, spikes seen and unseen that do harm or none, gaps,
// NaN, loss explosions, dead networks, now and then non-finite weights.
std::vector<StepRecord> random_run(std::uint64_t seed, std::int64_t steps);

// Windows short enough for every verdict to fall within a few hundred steps.
MonitorConfig small_windows();

// Every field of the records as text, doubles to the last bit.
std::string described(const std::vector<SpikeRecord>& spikes);

}  // namespace gradquake::monitor::test
