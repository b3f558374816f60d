#include "gradquake/hooks/foresight.h"

#include <algorithm>

#include "gradquake/hooks/plan_state.h"

namespace gradquake {

LedgerForesight foresee_ledger(const Plan& plan, const std::vector<SiteInfo>& sites, std::int64_t passes,
                               std::int64_t interval) {
  LedgerForesight foreseen;
  for (std::size_t rule = 0; rule < plan.rules().size(); ++rule) {
    const std::int64_t directions = plan.rules()[rule].direction == Direction::kBoth ? 2 : 1;
    const std::vector<std::string> names = plan.sites_of(rule);
    std::int64_t places = 0, occurrences = 0;
    for (const SiteInfo& site : sites) {
      if (std::find(names.begin(), names.end(), site.name) == names.end()) continue;
      ++places;
      occurrences += site.occurrences;
    }
    std::int64_t firings = 0, windows = 0, last_window = -1;
    for (std::int64_t step = 0; step < plan.options().run_steps; ++step) {
      if (!plan.state()->schedules[rule]->fires(step)) continue;
      ++firings;
      windows += step / interval != last_window ? 1 : 0;
      last_window = step / interval;
    }
    foreseen.entries += firings * passes * occurrences * directions;
    foreseen.totals += windows * places * directions;
  }
  return foreseen;
}

}  // namespace gradquake
