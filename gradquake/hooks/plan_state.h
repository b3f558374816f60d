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
#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/schedule.h"
#include "gradquake/hooks/sites/glob.h"

namespace gradquake {

// A site and the rules that address it, in rule order. Immutable once made.
struct ResolvedSite {
  struct Addressed {
    std::size_t rule;      // position in Plan::rules
    std::size_t coverage;  // position in Ledger::State::coverage
  };
  std::string name;
  std::string stream_name;  // what its draws are addressed by
  std::size_t slot = 0;     // position in Plan::State::sites
  std::vector<std::size_t> forward, backward;
  std::vector<Addressed> rules;
};

struct Plan::State {
  std::vector<Rule> rules;
  std::vector<Glob> globs;  // of the rules' sites
  std::vector<std::unique_ptr<Schedule>> schedules;
  std::vector<std::unique_ptr<Perturbation>> perturbations;
  std::vector<double>
      largest_amplitudes;  // |amplitude(t)| over the steps at which a rule can fire; 1 without run_steps
  std::vector<bool> idle;
  bool wants_beneath = false;  // a rule asks for what operators read or keep
  PlanOptions options;
  Ledger ledger;
  Memory memory;

  static constexpr std::size_t kListed = static_cast<std::size_t>(-1);
  // Coverage of a rule's glob as long as no site has matched it; kListed where the plan was given its sites.
  std::vector<std::size_t> unmatched_coverage;

  mutable std::mutex mutex;        // guards what follows
  std::deque<ResolvedSite> sites;  // grows only: references stay good
  std::unordered_map<std::string_view, const ResolvedSite*> by_name;

  const ResolvedSite& resolve(const std::string& name);

  std::deque<ResolvedSite> weights;  // and the rules that address them, by the parameter's name
  std::unordered_map<std::string_view, const ResolvedSite*> weights_by_name;

  const ResolvedSite& resolve_weight(const std::string& name);
};

namespace detail {

// Throws where amplitude times what the rule adds (for R = 1, by its moments) is beyond the largest number of `dtype`.
void require_in_range(const Plan::State& plan, std::size_t rule, double amplitude, at::ScalarType dtype);

}  // namespace detail

}  // namespace gradquake
