// What a plan holds. Internal to hooks/.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/ledger_state.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/schedule.h"

namespace gradquake {

// A site and the rules that address it, in rule order. Immutable once made.
struct ResolvedSite {
  struct Addressed {
    std::size_t rule;      // position in Plan::rules
    std::size_t coverage;  // position in Ledger::State::coverage
  };
  std::string name;
  std::size_t slot = 0;  // position in Plan::State::sites
  std::vector<std::size_t> forward, backward;
  std::vector<Addressed> rules;
};

struct Plan::State {
  std::vector<Rule> rules;
  std::vector<std::unique_ptr<Schedule>> schedules;
  std::vector<std::unique_ptr<Perturbation>> perturbations;
  PlanOptions options;
  Ledger ledger;

  static constexpr std::size_t kListed = static_cast<std::size_t>(-1);
  // Coverage of a rule's glob as long as no site has matched it; kListed where the plan was given its sites.
  std::vector<std::size_t> unmatched_coverage;

  mutable std::mutex mutex;        // guards what follows
  std::deque<ResolvedSite> sites;  // grows only: references stay good
  std::unordered_map<std::string_view, const ResolvedSite*> by_name;

  const ResolvedSite& resolve(const std::string& name);
};

}  // namespace gradquake
