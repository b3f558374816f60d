// How much a run will write into its ledger, known before it starts: schedules are pure functions of the step.
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/sites/site_recorder.h"

namespace gradquake {

struct LedgerForesight {
  std::int64_t entries = 0;  // InjectionRecord, one an injection
  std::int64_t totals = 0;   // LedgerTotal, over windows of `interval` steps
};

// For steps 0 .. run_steps - 1 of the plan (run_steps 0: nothing). `sites`: of a dry run of one pass, with their
// occurrences; `passes`: forward passes a step (micro-batches). An upper bound where a pass does not reach every site.
GRADQUAKE_EXPORT LedgerForesight foresee_ledger(const Plan& plan, const std::vector<SiteInfo>& sites,
                                                std::int64_t passes, std::int64_t interval);

}  // namespace gradquake
