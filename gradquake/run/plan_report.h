// What a run would do, without training: every site and its shape, every rule with its sites, schedule and first
// firing steps.
#pragma once

#include <ostream>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_config.h"

namespace gradquake::run {

GRADQUAKE_EXPORT void print_plan(std::ostream& out, const RunConfig& config, const train::Task& task);
GRADQUAKE_EXPORT std::string plan_json(const RunConfig& config, const train::Task& task);

}  // namespace gradquake::run
