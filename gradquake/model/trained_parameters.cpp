#include "gradquake/model/trained_parameters.h"

#include <torch/nn/module.h>

namespace gradquake::model {

TrainedParameters trained_parameters(const torch::nn::Module& model) {
  TrainedParameters parameters;
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    parameters.names.push_back(item.key());
    parameters.tensors.push_back(item.value());
  }
  return parameters;
}

}  // namespace gradquake::model
