// One PlanScope, shared by the thread that made it and the graphs that were built under it. Internal to hooks/.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/plan_state.h"

namespace gradquake::detail {

struct ScopeState {
  ScopeState(std::shared_ptr<Plan::State> plan, StepContext context);

  // The rules of a list that are due in this scope, in their order.
  std::vector<std::size_t> due(const std::vector<std::size_t>& rules) const;
  // Notes that an occurrence of a site has come, and whether an eps waits for its gradient.
  void note_tap(const ResolvedSite& site, std::uint32_t occurrence, bool eps_due, bool requires_grad);
  void note_eps(const ResolvedSite& site, std::uint32_t occurrence);
  // Ends the scope: from now on an eps that is due throws. Where `judged`, misfires go into the ledger.
  void end(bool judged);

  struct Expectation {
    bool requires_grad = false;
    std::int64_t fired = 0;
  };

  const std::shared_ptr<Plan::State> plan;
  const StepContext context;
  std::vector<bool> rule_due;
  std::vector<double> amplitudes;  // of the rules that are due
  std::atomic<int> pauses = 0;
  std::atomic<bool> ended = false;

 private:
  void judge_firings();
  void judge_coverage();

  std::mutex mutex_;       // a backward pass may run on a thread of its own
  std::vector<bool> ran_;  // by slot of the site
  std::map<std::pair<std::size_t, std::uint32_t>, Expectation> expected_;  // slot and occurrence
};

// How many PlanPauses this thread is in.
extern constinit thread_local int pause_depth;

}  // namespace gradquake::detail
