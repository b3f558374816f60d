#include "gradquake/model/trained_parameters.h"

#include <torch/nn/module.h>

#include <set>

namespace gradquake::model {

TrainedParameters trained_parameters(const torch::nn::Module& model) {
  TrainedParameters parameters;
  std::set<const at::TensorImpl*> met;
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad() || !met.insert(item.value().unsafeGetTensorImpl()).second) continue;
    parameters.names.push_back(item.key());
    parameters.tensors.push_back(item.value());
  }
  return parameters;
}

}  // namespace gradquake::model
