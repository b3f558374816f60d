// The weights that a run has at a step.
#pragma once

#include <cstdint>

#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"
#include "gradquake/train/trainer.h"

namespace gradquake::compare {

// Trains a task, without watching, from where it stands.
class GRADQUAKE_EXPORT Weights {
 public:
  explicit Weights(train::Task& task);  // outlives this

  // Makes the steps up to `step`, of the task's, that are not made yet. Throws UserError where the run has become
  // non-finite before.
  void train_to(std::int64_t step);

 private:
  std::int64_t until_ = 0;
  train::Trainer trainer_;
};

}  // namespace gradquake::compare
