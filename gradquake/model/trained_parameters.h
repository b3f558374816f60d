// The parameters that training moves: those that require a gradient, in the order of named_parameters(),
// one that has several names once, by the first.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace torch::nn {
class Module;
}

namespace gradquake::model {

struct TrainedParameters {
  std::vector<std::string> names;
  std::vector<at::Tensor> tensors;
};

GRADQUAKE_EXPORT TrainedParameters trained_parameters(const torch::nn::Module& model);

}  // namespace gradquake::model
