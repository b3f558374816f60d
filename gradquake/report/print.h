// The short report people see at a run's end: its spikes, the conditions of the theory, what became of the run.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/report/summary.h"

namespace gradquake::report {

inline constexpr std::size_t kMostSpikeRows = 12;

// `spikes` in order of step. Shows the first kMostSpikeRows and says how many more there are. A spike's size is
// grad_error / clean_grad_norm ("5.2x") where a shadow ran, else the robust score ("score 7.1"). "never left": the
// spike left the band at no step, so there was nothing to recover from.
GRADQUAKE_EXPORT void print_report(std::ostream& out, const Summary& summary, const std::vector<SpikeRecord>& spikes);

// One line for the log when an episode opens, e.g. "step 130: spike, 5.2x, in layers.1, by late forward layers.2".
GRADQUAKE_EXPORT std::string spike_text(const SpikeRecord& spike);

// One line for the log when an episode closes, e.g. "step 130: diverged, 4 spikes in its episode".
GRADQUAKE_EXPORT std::string episode_text(const std::vector<SpikeRecord>& spikes);

// Four digits; "nan" of either sign is "not a number".
GRADQUAKE_EXPORT std::string number_text(double value, int digits = 4);

}  // namespace gradquake::report
