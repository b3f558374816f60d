// manifest.json: what made a run, for whoever wants to make it again.
#pragma once

#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/run/run_config.h"
#include "gradquake/train/task.h"

namespace gradquake::run {

// Versions of gradquake, LibTorch and the compiler, seed, threads, device, dtype, processor, working directory, and the
// git revision of the working directory where it is a checkout.
GRADQUAKE_EXPORT std::string manifest_json(const train::Task& task);
GRADQUAKE_EXPORT std::string manifest_json(const RunConfig& config);

}  // namespace gradquake::run
