#include "gradquake/hooks/plan_scope.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_observer.h"
#include "gradquake/hooks/scope_state.h"

namespace gradquake {
namespace {

// The PlanScopes of this thread, outermost first: what a pause switches off.
thread_local std::vector<std::shared_ptr<detail::ScopeState>> scopes_of_thread;

const detail::PlanObserver* active_plan() { return dynamic_cast<const detail::PlanObserver*>(detail::active_observer); }

}  // namespace

OccurrenceMark occurrence_mark() {
  const detail::PlanObserver* const observer = active_plan();
  return observer == nullptr ? OccurrenceMark() : observer->mark();
}

PlanScope::PlanScope(Plan& plan, StepContext context)
    : observer_(std::make_unique<detail::PlanObserver>(
          std::make_shared<detail::ScopeState>(plan.state(), std::move(context)))),
      outer_(detail::active_observer),
      exceptions_(std::uncaught_exceptions()) {
  scopes_of_thread.push_back(observer_->scope());
  detail::active_observer = observer_.get();
}

PlanScope::~PlanScope() {
  detail::active_observer = outer_;
  scopes_of_thread.pop_back();
  const bool left_by_exception = std::uncaught_exceptions() > exceptions_;
  observer_->scope()->end(!left_by_exception);
}

OccurrenceMark PlanScope::mark() const {
  const detail::PlanObserver* const innermost = active_plan();
  const bool replayed = innermost != nullptr && innermost->scope() == observer_->scope();
  return replayed ? innermost->mark() : observer_->mark();
}

PlanPause::PlanPause() : outer_(detail::active_observer), paused_(scopes_of_thread) {
  for (const auto& scope : paused_) {
    ++scope->pauses;
  }
  ++detail::pause_depth;
  detail::active_observer = nullptr;
}

PlanPause::~PlanPause() {
  detail::active_observer = outer_;
  --detail::pause_depth;
  for (const auto& scope : paused_) {
    --scope->pauses;
  }
}

RecomputeScope::RecomputeScope(const OccurrenceMark& mark) : outer_(detail::active_observer) {
  if (mark.scope_ != nullptr) {
    if (mark.scope_->ended && detail::pause_depth == 0) {
      throw std::invalid_argument(
          "[hooks] expected a recomputation inside the PlanScope of its forward pass, got one after the scope of "
          "step " +
          std::to_string(mark.scope_->context.step) + " had ended");
    }
    observer_ = std::make_unique<detail::PlanObserver>(mark.scope_, mark.occurrences_);
  }
  detail::active_observer = observer_.get();
}

RecomputeScope::~RecomputeScope() { detail::active_observer = outer_; }

}  // namespace gradquake
