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

  // Makes the steps up to `step`, not before those made. Throws UserError where the run ends before: it has become
  // non-finite, or is not that long.
  void train_to(std::int64_t step);

 private:
  train::Task& task_;
  std::int64_t until_ = 0;
  train::Trainer trainer_;
};

}  // namespace gradquake::compare
