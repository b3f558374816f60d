// claims.md: what a reproduction came to as Markdown tables, for a README: the work, the claims with their verdicts,
// and for each figure the stable gradient norms by step size, means over the seeds.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "gradquake/paper/claims.h"
#include "gradquake/paper/run_store.h"
#include "gradquake/paper/settings.h"

namespace gradquake::paper {

// `work`: as in claims.json. `figures`: those made, ascending.
std::string summary_text(const Settings& settings, const RunStore& store, const std::vector<int>& figures,
                         const nlohmann::ordered_json& work, const std::vector<Claim>& claims);

}  // namespace gradquake::paper
