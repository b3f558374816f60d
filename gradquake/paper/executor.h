// Makes many runs: packs those that may share a batch into lanes, spreads the batches over threads, and stores every
// finished run.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/run_spec.h"
#include "gradquake/paper/run_store.h"

namespace gradquake::paper {

struct ExecutorProgress {
  std::size_t runs_done = 0, runs = 0;
  double replica_steps_done = 0, replica_steps = 0;  // of this call
  double seconds = 0;
};

struct ExecutorResult {
  std::size_t made = 0;      // runs that were not in the store
  double replica_steps = 0;  // made
  double seconds = 0;        // wall clock
};

// Batches of at most kLanes runs with the same seed, length, direction, draw and noise. Unperturbed runs fill up
// backward batches; intermittent runs have batches of their own, in order of their interval, so that most of their
// steps are unperturbed for all lanes.
GRADQUAKE_EXPORT std::vector<std::vector<RunSpec>> pack(std::vector<RunSpec> runs);

// Runs that the store has are left out. `progress` is called by one thread at a time after each batch.
GRADQUAKE_EXPORT ExecutorResult execute(const Settings& settings, const std::vector<RunSpec>& runs, RunStore& store,
                                        const std::function<void(const ExecutorProgress&)>& progress);

}  // namespace gradquake::paper
