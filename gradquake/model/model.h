// A network under study: a torch module whose forward taps its operators' outputs, so that rules can perturb them.
// Users derive from Model and add their kind to models() (registry.h).
#pragma once

#include <torch/nn/module.h>

#include "gradquake/hooks/export.h"

namespace gradquake::model {

class GRADQUAKE_EXPORT Model : public torch::nn::Module {
 public:
  ~Model() override;
  // input [rows, sample...] -> output [rows, outputs] (class scores).
  virtual at::Tensor forward(const at::Tensor& input) = 0;
  // What training and evaluation call. A model with the label inside (logistic: f1 = -y h^T w) overrides it.
  virtual at::Tensor forward_with_target(const at::Tensor& input, const at::Tensor& target);
};

}  // namespace gradquake::model
