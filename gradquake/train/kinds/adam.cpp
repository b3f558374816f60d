#include <torch/optim/adam.h>

#include "gradquake/train/kinds/optimizers.h"

namespace gradquake::train::kinds {

std::vector<Parameter> adam_parameters(Parameter decay) {
  return {fraction("beta1", "decay of the mean of gradients", 0.9),
          fraction("beta2", "decay of the mean of squared gradients", 0.999),
          Parameter::number("epsilon", "added to the root of the mean square").in(Range::positive()).by_default(1e-8),
          std::move(decay)};
}

OptimizerKind adam() {
  return {{.name = "adam",
           .summary = "Adam (Kingma and Ba 2015)",
           .parameters = adam_parameters(weight_decay("multiple of the weights added to the gradient"))},
          [](const KindSpec& spec) -> OptimizerMethod {
            const auto options = adam_options<torch::optim::AdamOptions>(spec);
            return {.make = [options](std::vector<at::Tensor> parameters) -> std::unique_ptr<torch::optim::Optimizer> {
                      return std::make_unique<torch::optim::Adam>(std::move(parameters), options);
                    },
                    .loss_decay = spec.number("weight_decay"),
                    .not_stated_for = spec.kind};
          }};
}

}  // namespace gradquake::train::kinds
