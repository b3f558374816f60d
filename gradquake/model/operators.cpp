#include "gradquake/model/operators.h"

#include <torch/nn/modules/container/modulelist.h>

namespace gradquake::model {

std::vector<LinearOperator> register_layers(Model& owner, const std::vector<std::int64_t>& widths, bool bias) {
  auto layers = owner.register_module("layers", torch::nn::ModuleList());
  std::vector<LinearOperator> operators;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    torch::nn::Linear linear(torch::nn::LinearOptions(widths[i], widths[i + 1]).bias(bias));
    layers->push_back(linear);
    operators.push_back({linear, Site("layers." + std::to_string(i))});
  }
  return operators;
}

}  // namespace gradquake::model
