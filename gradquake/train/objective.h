// Objectives: from a model's output and the targets to a scalar loss, and to the accuracy.
//
//   cross_entropy: mean_b -ln softmax(output_b)[target_b]     output [batch, classes], target int64 [batch]
//   mse:           mean_b mean_k (output_bk - target_bk)^2    class targets are taken one-hot
//   logistic:      mean_b ln(1 + exp(output_b))               output [batch] = f1 = -y h^T w, the paper's (53),(54)
//
// Every one is a mean over the batch, so the loss divisor of a whole batch is its number of rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake::train {

enum class ObjectiveKind { kCrossEntropy, kMse, kLogistic };

GRADQUAKE_EXPORT ObjectiveKind objective_from_name(const std::string& name);

GRADQUAKE_EXPORT at::Tensor objective_loss(ObjectiveKind kind, const at::Tensor& output, const at::Tensor& target);

// How many rows are right: argmax equals the class; for logistic f1 < 0.
GRADQUAKE_EXPORT std::int64_t count_correct(ObjectiveKind kind, const at::Tensor& output, const at::Tensor& target);

}  // namespace gradquake::train
