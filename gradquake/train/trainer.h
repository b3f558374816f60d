// The training loop: one batch, its perturbed gradient (and the clean one where a shadow is due), a plain StepRecord
// to the callbacks, the update. Checkpoints make a run resumable bit for bit at a fixed thread count.
//
//   Trainer trainer(config, model, {data.train, data.test}, plan, callbacks);
//   const RunEnd end = trainer.run();
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/data/batch_sampler.h"
#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/train/callback.h"
#include "gradquake/train/checkpoint_file.h"
#include "gradquake/train/gradient_pass.h"
#include "gradquake/train/norms.h"
#include "gradquake/train/optimizer.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::model {
class Model;
}  // namespace gradquake::model

namespace gradquake::train {

enum class OnNonfinite { kStop, kSkip };

struct TrainerOptions {
  std::string name = "run";
  std::uint64_t seed = 1;
  std::int64_t steps = 2000;
  std::int64_t batch_size = 64;
  GradientPassOptions pass;
  RegularizerConfig regularizer;
  OptimizerConfig optimizer;
  OnNonfinite on_nonfinite = OnNonfinite::kStop;
  at::Device device = at::kCPU;
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
  // Model and plan outlive the trainer; callbacks are called in this order.
  Trainer(TrainerOptions options, model::Model& model, data::DataSplits data, Plan& plan,
          std::vector<Callback*> callbacks);

  // Continues from a checkpoint's sections; throws UserError where they belong to another config.
  void restore(const CheckpointSections& sections);

  RunEnd run();

  std::int64_t steps_made() const { return step_; }
  const RunInfo& info() const { return info_; }

 private:
  StepRecord record_of(const StepGradients& gradients, std::int64_t step);
  void apply(const StepGradients& gradients, const StepRecord& record);
  void write_state();
  void evaluate_now();

  TrainerOptions options_;
  model::Model& model_;
  data::DataSplits data_;
  Plan& plan_;
  std::vector<Callback*> callbacks_;
  std::vector<at::Tensor> parameters_;
  LayerGroups groups_;
  GradientPass pass_;
  Optimizer optimizer_;
  data::BatchSampler sampler_;
  RunInfo info_;
  std::int64_t step_ = 0;        // steps made
  double final_loss_ = 0;        // of the last of them
  bool stopped_ = false;         // by on_nonfinite: stop
  bool evaluation_due_ = false;  // restored where `interval` asks for an evaluation that was not made yet
};

}  // namespace gradquake::train
