// What a step changes: weights and buffers, optimiser state, the default generator. Saved for checkpoints.
#pragma once

#include "gradquake/hooks/export.h"
#include "gradquake/train/checkpoint_file.h"
#include "gradquake/train/optimizer.h"

namespace torch::nn {
class Module;
}

namespace gradquake::train {

// Sections "model" (parameters and buffers), "optimizer", "generator" (the default CPU generator).
GRADQUAKE_EXPORT CheckpointSections save_state(const torch::nn::Module& model, const Optimizer& optimizer);
GRADQUAKE_EXPORT void restore_state(const CheckpointSections& sections, torch::nn::Module& model, Optimizer& optimizer);

}  // namespace gradquake::train
