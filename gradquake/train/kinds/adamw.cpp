#include <torch/optim/adamw.h>

#include "gradquake/train/kinds/optimizers.h"

namespace gradquake::train::kinds {

OptimizerKind adamw() {
  return {{.name = "adamw",
           .summary = "Adam with weights decayed beside the loss (Loshchilov and Hutter 2019)",
           .parameters = adam_parameters(weight_decay("share of the weights, times the rate, taken off at a step"))},
          [](const KindSpec& spec) -> OptimizerMethod {
            const auto options = adam_options<torch::optim::AdamWOptions>(spec);
            return {.make = [options](std::vector<at::Tensor> parameters) -> std::unique_ptr<torch::optim::Optimizer> {
                      return std::make_unique<torch::optim::AdamW>(std::move(parameters), options);
                    },
                    .loss_decay = 0,
                    .not_stated_for = spec.kind};
          }};
}

}  // namespace gradquake::train::kinds
