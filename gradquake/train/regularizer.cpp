#include "gradquake/train/regularizer.h"

#include <ATen/ATen.h>

#include "gradquake/train/kinds/regularizers.h"

namespace gradquake::train {

Regularizer::~Regularizer() = default;

Registry<RegularizerFactory>& regularizers() {
  static Registry<RegularizerFactory> registry(
      "regularizer", {kinds::no_regularizer(), kinds::l2_regularizer(), kinds::nonconvex_regularizer()},
      {.before = {Parameter::number("weight", "rho").in(Range::non_negative()).by_default(0.0)}});
  return registry;
}

RegularizerConfig::RegularizerConfig() = default;
RegularizerConfig::RegularizerConfig(const KindSpec& spec) {
  const KindSpec complete = regularizers().complete(spec);
  if (complete.number("weight") > 0) made_ = regularizers().factory(complete.kind)(complete);
}
RegularizerConfig::RegularizerConfig(const std::string& kind, double weight)
    : RegularizerConfig(KindSpec(kind, {{"weight", weight}})) {}

at::Tensor regularizer_loss(const RegularizerConfig& config, const std::vector<at::Tensor>& parameters) {
  return config.active() ? (*config).loss(parameters) : at::Tensor();
}

at::Tensor weight_decay_loss(double decay, const std::vector<at::Tensor>& parameters) {
  return decay / 2 * kinds::sum_of_terms(parameters, [](const at::Tensor& w) { return w.square(); });
}

at::Tensor add_regularizer_gradient(const RegularizerConfig& config, const at::Tensor& gradient,
                                    const at::Tensor& parameter) {
  return config.active() ? (*config).add_gradient(gradient, parameter.detach()) : gradient;
}

}  // namespace gradquake::train
