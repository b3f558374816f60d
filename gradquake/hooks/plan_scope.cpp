#include "gradquake/hooks/plan_scope.h"

#include <exception>
#include <optional>
#include <utility>

#include "gradquake/hooks/dropout_state.h"
#include "gradquake/hooks/observer_layer.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_observer.h"
#include "gradquake/hooks/refuse.h"
#include "gradquake/hooks/scope_state.h"

namespace gradquake {
namespace {

// The PlanScopes of this thread, outermost first: what a pause switches off.
thread_local std::vector<std::shared_ptr<detail::ScopeState>> scopes_of_thread;

detail::PlanObserver* active_plan() { return dynamic_cast<detail::PlanObserver*>(detail::innermost_plan()); }

std::shared_ptr<const detail::DropoutState> dropout_mark() {
  return detail::dropout_state == nullptr ? nullptr : std::make_shared<detail::DropoutState>(*detail::dropout_state);
}

}  // namespace

OccurrenceMark occurrence_mark() {
  const detail::PlanObserver* const observer = active_plan();
  OccurrenceMark mark = observer == nullptr ? OccurrenceMark() : observer->mark();
  mark.dropout_ = dropout_mark();
  return mark;
}

PlanScope::PlanScope(Plan& plan, StepContext context)
    : observer_(std::make_unique<detail::PlanObserver>(
          std::make_shared<detail::ScopeState>(plan.state(), std::move(context)))),
      push_(std::make_unique<detail::LayerPush>(observer_.get())),
      exceptions_(std::uncaught_exceptions()) {
  scopes_of_thread.push_back(observer_->scope());
}

PlanScope::~PlanScope() {
  push_.reset();
  scopes_of_thread.pop_back();
  const bool left_by_exception = std::uncaught_exceptions() > exceptions_;
  observer_->scope()->end(!left_by_exception);
}

OccurrenceMark PlanScope::mark() const {
  const detail::PlanObserver* const innermost = active_plan();
  const bool replayed = innermost != nullptr && innermost->scope() == observer_->scope();
  OccurrenceMark mark = replayed ? innermost->mark() : observer_->mark();
  mark.dropout_ = dropout_mark();
  return mark;
}

PlanPause::PlanPause()
    : outer_(detail::innermost_layer), paused_(scopes_of_thread), hidden_(detail::observers_of_thread()) {
  for (const auto& scope : paused_) ++scope->pauses;
  for (const auto& observer : hidden_) ++observer->pauses;
  ++detail::pause_depth;
  detail::innermost_layer = nullptr;
}

PlanPause::~PlanPause() {
  detail::innermost_layer = outer_;
  --detail::pause_depth;
  for (const auto& observer : hidden_) --observer->pauses;
  for (const auto& scope : paused_) --scope->pauses;
}

namespace detail {
namespace {

// Hides the plans outside of it.
class NoPlan : public TapLayer {
 public:
  at::Tensor on_tap(TapCall&, at::Tensor tensor) override { return tensor; }
  bool is_plan() const override { return true; }
};

}  // namespace

// Where the scope's own layer is at hand it is wound back in its place, so that observers keep theirs; else (under a
// pause, on a thread of the backward pass, inside another plan) a layer of its own replays.
class Recomputation {
 public:
  explicit Recomputation(const OccurrenceMark& mark) : outer_dropout_(dropout_state) {
    if (mark.scope_ == nullptr) {
      if (innermost_layer == nullptr) return;
      pushed_ = std::make_unique<NoPlan>();
    } else {
      if (mark.scope_->ended && pause_depth == 0)
        refuse("a recomputation inside the PlanScope of its forward pass",
               "one after the scope of step " + std::to_string(mark.scope_->context.step) + " had ended");
      PlanObserver* const innermost = active_plan();
      if (innermost != nullptr && innermost->scope() == mark.scope_) {
        wound_back_ = innermost;
        before_ = innermost->exchange({*mark.occurrences_, true});
        return;
      }
      pushed_ = std::make_unique<PlanObserver>(mark.scope_, *mark.occurrences_);
    }
    push_.emplace(pushed_.get());
  }

  // Dropout meets its masks again.
  void wind_dropout_back(const DropoutState& mark) {
    dropout_ = mark;
    dropout_state = &*dropout_;
  }

  ~Recomputation() {
    dropout_state = outer_dropout_;
    if (wound_back_ != nullptr) wound_back_->exchange(std::move(before_));
  }
  Recomputation(const Recomputation&) = delete;
  Recomputation& operator=(const Recomputation&) = delete;

 private:
  DropoutState* outer_dropout_;
  std::optional<DropoutState> dropout_;
  PlanObserver* wound_back_ = nullptr;
  PlanObserver::Position before_;
  std::unique_ptr<TapLayer> pushed_;
  std::optional<LayerPush> push_;
};

}  // namespace detail

RecomputeScope::RecomputeScope(const OccurrenceMark& mark)
    : recomputation_(std::make_unique<detail::Recomputation>(mark)) {
  if (mark.dropout_ != nullptr) recomputation_->wind_dropout_back(*mark.dropout_);
}
RecomputeScope::~RecomputeScope() = default;

}  // namespace gradquake
