// What taps report to inside a PlanScope or a RecomputeScope: counts occurrences and perturbs. Internal to hooks/.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/scope_state.h"
#include "gradquake/hooks/tap_layer.h"

namespace gradquake::detail {

class PlanObserver : public TapLayer {
 public:
  explicit PlanObserver(std::shared_ptr<ScopeState> scope);
  // A replay from a mark: what it injects forward was ledgered the first time.
  PlanObserver(std::shared_ptr<ScopeState> scope, OccurrenceCounter occurrences);

  at::Tensor on_tap(TapCall& call, at::Tensor tensor) override;
  bool is_plan() const override { return true; }
  std::uint32_t next_occurrence(const Site& site) const override { return occurrences_.peek(site); }
  bool wants_beneath() const override { return scope_->plan->wants_beneath; }

  // Where it counts, and whether it replays: exchanged for the time of a recomputation.
  struct Position {
    OccurrenceCounter occurrences;
    bool replays = false;
  };
  Position exchange(Position position);

  OccurrenceMark mark() const;
  const std::shared_ptr<ScopeState>& scope() const { return scope_; }

 private:
  const ResolvedSite& resolved(const Site& site);

  std::shared_ptr<ScopeState> scope_;
  OccurrenceCounter occurrences_;
  std::vector<const ResolvedSite*> resolved_;  // by site id; null: not yet asked for
  bool replays_ = false;
};

}  // namespace gradquake::detail
