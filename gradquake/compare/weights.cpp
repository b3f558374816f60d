#include "gradquake/compare/weights.h"

#include "gradquake/core/error.h"

namespace gradquake::compare {
namespace {

train::TrainerOptions unwatched(std::function<bool()> stop) {
  train::TrainerOptions options;
  options.shadow_interval = 0;
  options.stop_requested = std::move(stop);
  return options;
}

}  // namespace

Weights::Weights(train::Task& task)
    : trainer_(unwatched([this] { return trainer_.steps_made() >= until_; }), task, {}) {}

void Weights::train_to(std::int64_t step) {
  if (step <= trainer_.steps_made()) return;
  until_ = step;
  const train::RunEnd end = trainer_.run();
  if (end.stopped_nonfinite)
    throw UserError("compare", "expected finite weights at step " + std::to_string(step) +
                                   ", got a run that became non-finite at step " + std::to_string(end.steps - 1));
}

}  // namespace gradquake::compare
