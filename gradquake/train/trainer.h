// The training loop: one batch, its perturbed gradient (and the clean one where a shadow is due), a plain StepRecord
// to the callbacks, the update. Checkpoints make a run resumable bit for bit at a fixed thread count.
//
//   Trainer trainer(options, task, {&recorder});
//   const RunEnd end = trainer.run();
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/callback.h"
#include "gradquake/train/checkpoint_file.h"
#include "gradquake/train/gradient_pass.h"
#include "gradquake/train/norms.h"
#include "gradquake/train/optimizer.h"
#include "gradquake/train/task.h"

namespace gradquake::train {

enum class OnNonfinite { kStop, kSkip };

}  // namespace gradquake::train

template <>
struct gradquake::EnumTexts<gradquake::train::OnNonfinite> {
  using OnNonfinite = gradquake::train::OnNonfinite;
  static constexpr std::array<std::pair<OnNonfinite, const char*>, 2> table = {
      {{OnNonfinite::kStop, "stop"}, {OnNonfinite::kSkip, "skip"}}};
};

namespace gradquake::train {

struct TrainerOptions {
  std::string name = "run";
  OnNonfinite on_nonfinite = OnNonfinite::kStop;
  std::int64_t shadow_interval = 1;      // steps between shadows; 0: off
  std::int64_t evaluate_interval = 0;    // steps between evaluations; 0: at the end only
  std::int64_t checkpoint_interval = 0;  // steps between checkpoints; 0: at the end and on interruption only
  std::int64_t checkpoint_keep = 2;
  std::filesystem::path checkpoint_folder;  // empty: no checkpoints
  std::string config_digest;                // binds a checkpoint to its config
  std::function<bool()> stop_requested;     // asked once a step; empty: never
};

class GRADQUAKE_EXPORT Trainer {
 public:
  // The task, prepared, outlives the trainer; callbacks are called in this order.
  Trainer(TrainerOptions options, Task& task, std::vector<Callback*> callbacks);

  // Continues from a checkpoint's sections; throws UserError, and changes nothing, where they belong to another config
  // or hold another memory than the rules have.
  void restore(const CheckpointSections& sections);

  // Throws UserError, naming the step, where a rule cannot be carried out at it.
  RunEnd run();

  std::int64_t steps_made() const { return step_; }
  const RunInfo& info() const { return info_; }

 private:
  StepGradients gradients_at(const data::Batch& batch, std::int64_t step);
  StepRecord record_of(const StepGradients& gradients, std::int64_t step);
  void apply(const StepGradients& gradients, const StepRecord& record);
  void write_state();
  void restore_memory(const CheckpointSections& sections);
  void evaluate_now();

  TrainerOptions options_;
  Task& task_;
  std::vector<Callback*> callbacks_;
  std::vector<at::Tensor> parameters_;
  LayerGroups groups_;
  GradientPass pass_;
  Optimizer optimizer_;
  data::BatchSampler sampler_;
  RunInfo info_;
  std::int64_t step_ = 0;        // steps made
  double final_loss_ = 0;        // of the last of them
  std::int64_t skipped_ = 0;     // of them, by on_nonfinite: skip
  bool stopped_ = false;         // by on_nonfinite: stop
  bool evaluation_due_ = false;  // restored where `interval` asks for an evaluation that was not made yet
};

}  // namespace gradquake::train
