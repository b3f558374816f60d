// What a step changes beside the weights: buffers, optimiser state, the default generator. Saved for checkpoints, and
// the buffers alone for a step that is skipped.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/train/checkpoint_file.h"
#include "gradquake/train/optimizer.h"

namespace gradquake::model {
class Model;
}  // namespace gradquake::model

namespace gradquake::train {

// Sections "model" (parameters and buffers), "optimizer", "generator" (the default CPU generator).
GRADQUAKE_EXPORT CheckpointSections save_state(const model::Model& model, const Optimizer& optimizer);
GRADQUAKE_EXPORT void restore_state(const CheckpointSections& sections, model::Model& model, Optimizer& optimizer);

// The buffers as they were; one inf activation leaves batch-norm's running statistics inf and nan for good.
class GRADQUAKE_EXPORT BufferSnapshot {
 public:
  BufferSnapshot(const model::Model& model, bool take);
  void restore() const;  // nothing where none was taken

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> buffers_;  // buffer, its copy
};

}  // namespace gradquake::train
