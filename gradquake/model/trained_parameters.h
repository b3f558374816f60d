// The parameters that training moves: those that require a gradient, in the order of named_parameters().
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::model {

class Model;

struct TrainedParameters {
  std::vector<std::string> names;
  std::vector<at::Tensor> tensors;
};

GRADQUAKE_EXPORT TrainedParameters trained_parameters(const Model& model);

}  // namespace gradquake::model
