// One run: trains, watches, writes the run folder, and sums up.
#pragma once

#include <optional>
#include <vector>

#include "gradquake/core/export.h"
#include "gradquake/report/summary.h"
#include "gradquake/study/assembly.h"
#include "gradquake/study/run_config.h"
#include "gradquake/study/run_folder.h"
#include "gradquake/study/run_observer.h"

namespace gradquake::study {

struct RunResult {
  report::Summary summary;          // of no meaning where interrupted
  std::vector<SpikeRecord> spikes;  // in order of their verdicts
  bool interrupted = false;         // a checkpoint was written
  std::int64_t steps = 0;           // made in all
};

// A new run, from its assembled parts.
GRADQUAKE_EXPORT RunResult run(const RunConfig& config, Assembly& parts, const RunFolder& folder,
                               const RunHooks& hooks);

// Goes on from the newest checkpoint that is whole (a damaged one is named in the log), or from step 0 without one.
GRADQUAKE_EXPORT RunResult resume(const RunConfig& config, Assembly& parts, const RunFolder& folder,
                                  const RunHooks& hooks);

}  // namespace gradquake::study
