// One run: trains, watches, writes the run folder, and sums up.
//
//   train::Task task = run::assemble(config);            // from a config, or one of your own
//   const run::RunResult result = run::run_in("runs/own", task, {.name = "own"});
//   report::print_report(std::cout, result.summary, result.spikes);
#pragma once

#include <filesystem>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/report/summary.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/options.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::run {

struct RunResult {
  report::Summary summary;          // of no meaning where interrupted
  std::vector<SpikeRecord> spikes;  // in order of their verdicts
  bool interrupted = false;         // a checkpoint was written
  std::int64_t steps = 0;           // made in all
};

// A new run.
GRADQUAKE_EXPORT RunResult run(train::Task& task, const Options& options, const RunFolder& folder);

// Goes on from the newest checkpoint that is whole (a damaged one is named in the log), or from step 0 without one.
GRADQUAKE_EXPORT RunResult resume(train::Task& task, const Options& options, const RunFolder& folder);

// The whole of a run from a program of one's own: makes the folder, or goes on with the run that it holds; a finished
// one is read and returned. Started again after a kill, the same program ends with the same bytes. Throws UserError
// where `path` is another thing than a run, or another process trains it.
GRADQUAKE_EXPORT RunResult run_in(const std::filesystem::path& path, train::Task& task, const Options& options);

}  // namespace gradquake::run
