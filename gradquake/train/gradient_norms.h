// The norms of one step's gradients, in one pass over each: ||u~ + r||, ||u + r||, ||u~ - u||, whole and by layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/gradient_pass.h"
#include "gradquake/train/norms.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::train {

struct GradientNorms {
  double grad = 0;   // ||u~ + r||
  double clean = 0;  // ||u + r||; of no meaning without shadow
  double error = 0;  // ||u~ - u||; likewise
  LayerNorms layers;
  std::string first_nonfinite;  // the first layer whose gradient holds inf or nan
};

GRADQUAKE_EXPORT GradientNorms gradient_norms(const StepGradients& gradients, const std::vector<at::Tensor>& parameters,
                                              const RegularizerConfig& regularizer, const LayerGroups& groups);

}  // namespace gradquake::train
