// Scopes: where a plan is active. All are RAII, belong to the thread that made them, and nest: the innermost counts,
// and leaving it, by an exception too, restores the one outside.
//
//   for (std::int64_t step = 0; step < steps; ++step) {
//     gradquake::PlanScope scope(plan, {.step = step, .rows = 64, .loss_divisor = 64});
//     auto loss = objective(model.forward(x), y);   // forward rules act here,
//     loss.backward();                              // backward rules here: the scope covers both
//     { gradquake::PlanPause pause;  ... }          // the shadow's clean pass, evaluation, curvature
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake {

class Plan;

namespace detail {
struct DropoutState;
class LayerPush;
class OccurrenceCounter;
class PlanObserver;
class Recomputation;
struct ObserverState;
struct ScopeState;
class TapLayer;
}  // namespace detail

// One (micro-)batch of one step.
struct StepContext {
  std::int64_t step = 0;
  std::int64_t first_row = 0;  // position of this micro-batch's first sample in the whole batch
  std::int64_t rows = 0;       // samples in this micro-batch; 0: the size of a tapped tensor's batch dimension
  // The divisor in the loss given to backward(): B for a mean over B samples, 1 for a sum. There is no safe default:
  // a scope in which a backward rule is due must say it.
  std::optional<double> loss_divisor = {};
  std::vector<std::int64_t> sample_ids =
      {};                    // of each sample, for kinds with a memory per sample and one's own; or empty
  std::uint64_t repeat = 0;  // number of the repeat; each has draws of its own
  bool remembers =
      true;  // false: kinds with a memory do what they do at a first visit, and leave it alone (evaluation)
};

// Which occurrence of each site, and of each dropout (dropout.h), comes next: the state that a recomputation has to
// replay.
class GRADQUAKE_EXPORT OccurrenceMark {
 public:
  OccurrenceMark() = default;  // no plan was active

 private:
  friend class detail::PlanObserver;
  friend class detail::Recomputation;
  friend OccurrenceMark occurrence_mark();
  friend class PlanScope;
  friend class RecomputeScope;
  std::shared_ptr<detail::ScopeState> scope_;
  std::shared_ptr<const detail::OccurrenceCounter> occurrences_;
  std::shared_ptr<const detail::DropoutState> dropout_;
};

// The mark of this thread here and now; call it where the checkpointed segment begins.
GRADQUAKE_EXPORT OccurrenceMark occurrence_mark();

// Makes the plan active. Covers the forward and the backward call of one (micro-)batch: an eps that is due after the
// scope has ended throws std::invalid_argument. Occurrences of a site count from 0. A backward call under create_graph
// while an eps is due throws too: a noisy gradient has no exact second derivative (under PlanPause it has). Throws
// std::invalid_argument on a negative step, first_row or rows, first_row without rows, a loss_divisor that is not
// positive and finite, or none where a backward rule is due.
class GRADQUAKE_EXPORT PlanScope {
 public:
  PlanScope(Plan& plan, StepContext context);
  ~PlanScope();
  PlanScope(const PlanScope&) = delete;
  PlanScope& operator=(const PlanScope&) = delete;

  OccurrenceMark mark() const;  // occurrence_mark() of this scope

 private:
  std::unique_ptr<detail::PlanObserver> observer_;
  std::unique_ptr<detail::LayerPush> push_;
  int exceptions_;
};

// Switches the taps of this thread off, and the eps of graphs built under the scopes it lies in, uncounted: a backward
// call under a pause is exact for the forward pass that was made. Observers outside of it see nothing of what happens
// inside. A PlanScope or an observer made inside the pause is active again.
class GRADQUAKE_EXPORT PlanPause {
 public:
  PlanPause();
  ~PlanPause();
  PlanPause(const PlanPause&) = delete;
  PlanPause& operator=(const PlanPause&) = delete;

 private:
  detail::TapLayer* outer_;
  std::vector<std::shared_ptr<detail::ScopeState>> paused_;
  std::vector<std::shared_ptr<detail::ObserverState>> hidden_;
};

// Activation recomputation: replays the segment that began at `mark` with the same occurrences, so the same draws, not
// ledgered twice; under a PlanPause too, for the forward pass must come out as it was. After an empty mark no plan is
// active. Observers see the replay as they see any pass. Throws std::invalid_argument when the mark's scope has ended,
// unless paused.
class GRADQUAKE_EXPORT RecomputeScope {
 public:
  explicit RecomputeScope(const OccurrenceMark& mark);
  ~RecomputeScope();
  RecomputeScope(const RecomputeScope&) = delete;
  RecomputeScope& operator=(const RecomputeScope&) = delete;

 private:
  std::unique_ptr<detail::Recomputation> recomputation_;
};

}  // namespace gradquake
