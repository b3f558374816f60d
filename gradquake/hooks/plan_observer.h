// What taps report to inside a PlanScope or a RecomputeScope: counts occurrences and perturbs. Internal to hooks/.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gradquake/hooks/active.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/scope_state.h"

namespace gradquake::detail {

class PlanObserver : public TapObserver {
 public:
  explicit PlanObserver(std::shared_ptr<ScopeState> scope);
  // A replay from a mark: what it injects forward was ledgered the first time.
  PlanObserver(std::shared_ptr<ScopeState> scope, std::vector<std::uint32_t> occurrences);

  at::Tensor on_tap(const Site& site, at::Tensor tensor, std::int64_t batch_dim) override;

  OccurrenceMark mark() const;
  const std::shared_ptr<ScopeState>& scope() const { return scope_; }

 private:
  const ResolvedSite& resolved(const Site& site);

  std::shared_ptr<ScopeState> scope_;
  std::vector<std::uint32_t> occurrences_;     // next occurrence, by site id
  std::vector<const ResolvedSite*> resolved_;  // by site id; null: not yet asked for
  bool replays_ = false;
};

}  // namespace gradquake::detail
