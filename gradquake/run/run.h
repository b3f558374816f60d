// One run: trains, watches, writes the run folder, and sums up.
#pragma once

#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/report/summary.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_config.h"
#include "gradquake/run/run_folder.h"
#include "gradquake/run/run_observer.h"

namespace gradquake::run {

struct RunResult {
  report::Summary summary;          // of no meaning where interrupted
  std::vector<SpikeRecord> spikes;  // in order of their verdicts
  bool interrupted = false;         // a checkpoint was written
  std::int64_t steps = 0;           // made in all
};

// A new run, from its assembled task.
GRADQUAKE_EXPORT RunResult run(const RunConfig& config, train::Task& task, const RunFolder& folder,
                               const RunHooks& hooks);

// Goes on from the newest checkpoint that is whole (a damaged one is named in the log), or from step 0 without one.
GRADQUAKE_EXPORT RunResult resume(const RunConfig& config, train::Task& task, const RunFolder& folder,
                                  const RunHooks& hooks);

}  // namespace gradquake::run
