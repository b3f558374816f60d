#include <torch/optim/sgd.h>

#include "gradquake/train/kinds/optimizers.h"

namespace gradquake::train::kinds {
namespace {

OptimizerMethod sgd_method(const KindSpec& spec) {
  const auto options = torch::optim::SGDOptions(spec.number("learning_rate"))
                           .momentum(spec.number("momentum"))
                           .nesterov(spec.flag("nesterov"))
                           .weight_decay(spec.number("weight_decay"));
  return {.make = [options](std::vector<at::Tensor> parameters) -> std::unique_ptr<torch::optim::Optimizer> {
            return std::make_unique<torch::optim::SGD>(std::move(parameters), options);
          },
          .loss_decay = spec.number("weight_decay"),
          .not_stated_for = spec.number("momentum") > 0 ? "momentum" : ""};
}

}  // namespace

Parameter fraction(std::string name, std::string meaning, double def) {
  return Parameter::number(std::move(name), std::move(meaning))
      .in({.min = 0, .max = 1, .max_open = true})
      .by_default(def);
}

Parameter weight_decay(std::string meaning) {
  return Parameter::number("weight_decay", std::move(meaning)).in(Range::non_negative()).by_default(0.0);
}

OptimizerKind sgd() {
  return {{.name = "sgd",
           .summary = "stochastic gradient descent, with momentum",
           .parameters = {fraction("momentum", "share of the last update that is kept", 0.0),
                          Parameter::flag("nesterov", "momentum as Nesterov's").by_default(false),
                          weight_decay("multiple of the weights added to the gradient")},
           .check = [](const KindSpec& spec) -> std::optional<KindProblem> {
             if (!spec.flag("nesterov") || spec.number("momentum") > 0) return std::nullopt;
             return KindProblem{"nesterov", "expected momentum > 0 with nesterov, got 0"};
           }},
          sgd_method};
}

}  // namespace gradquake::train::kinds
