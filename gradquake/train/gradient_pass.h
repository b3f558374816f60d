// One step's gradients: the perturbed u~ that trains, and beside it, where a shadow is due, the clean u of the same
// batch at the same weights (docs/theory.md 2 "measured").
//
// The shadow changes no bit of the training: batch-norm buffers and LibTorch's generator are restored, and dropout is
// addressed by step and row, so both passes see the same masks. Where only backward rules fire one forward pass serves
// both gradients; where no rule fires u is u~ and there is no second pass.
//
// Rules of weights act for the whole of the perturbed pass, those of weight gradients on the sum over its parts
// (hooks/weights.h).
//
// Gradient accumulation (`micro_batch`): a batch of B rows is passed in parts of at most `micro_batch` rows, to fit in
// memory. Each part's mean loss counts rows / B, so the parts' gradients add up to that of the mean over the batch (but
// for batch-norm, which sees a part). The plan's scope is told the part's first_row and rows, and loss_divisor = B,
// the divisor in the loss: an eps of given size per sample enters autograd's tensor as eps / B. Every draw is that of
// the whole batch, whatever the parts.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::train {

struct StepGradients {
  std::vector<at::Tensor> perturbed;  // u~, by parameter, the shape of the parameter
  std::vector<at::Tensor> clean;      // u; empty without shadow; the same tensors as u~ where no rule fired
  double loss = 0;                    // data term as trained
  std::optional<double> clean_loss;   // data term of the clean pass; known without a shadow's pass where no rule fired
  bool forward_fired = false;
  bool backward_fired = false;
  bool shadow = false;  // a shadow was due
};

class GRADQUAKE_EXPORT GradientPass {
 public:
  // The task outlives this object; `parameters`: those of its model that are trained.
  GradientPass(const Task& task, std::vector<at::Tensor> parameters);

  StepGradients compute(const data::Batch& batch, std::int64_t step, bool shadow_due);

 private:
  struct Part;
  std::vector<Part> split(const data::Batch& batch) const;
  at::Tensor loss_of(const Part& part) const;
  void clean_pass(const std::vector<Part>& parts, std::int64_t step, StepGradients& result);
  void perturbed_pass(const std::vector<Part>& parts, std::int64_t step, bool share_forward, StepGradients& result);

  const Task& task_;
  std::vector<at::Tensor> parameters_;
  std::vector<std::string> names_;  // of the parameters, where a rule addresses weights
  std::uint64_t dropout_seed_;      // of the addressed masks (hooks/dropout.h)
};

}  // namespace gradquake::train
