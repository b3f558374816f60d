// What a config trains, made from it: data, model, sites, plan. Everything that can be the caller's mistake is
// found here, before a folder is made.
#pragma once

#include "gradquake/hooks/export.h"
#include "gradquake/run/options.h"
#include "gradquake/run/run_config.h"
#include "gradquake/train/task.h"

namespace gradquake::run {

// Sets LibTorch's thread count and the seed of its default generator too. Throws UserError.
GRADQUAKE_EXPORT train::Task assemble(const RunConfig& config);

// How the config's run is watched and kept, its callbacks made, without log, progress and stop_requested.
GRADQUAKE_EXPORT Options run_options(const RunConfig& config);

}  // namespace gradquake::run
