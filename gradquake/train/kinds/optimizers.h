// The built-in optimisers, one file each, for the table in optimizer.cpp; and what they share. Internal to train/.
#pragma once

#include "gradquake/train/optimizer.h"

namespace gradquake::train::kinds {

using OptimizerKind = Registry<OptimizerFactory>::Kind;

OptimizerKind sgd();
OptimizerKind adam();
OptimizerKind adamw();

// In [0, 1).
Parameter fraction(std::string name, std::string meaning, double def);
Parameter weight_decay(std::string meaning);
// beta1, beta2, epsilon and `decay`, of adam and adamw.
std::vector<Parameter> adam_parameters(Parameter decay);

// Fills LibTorch's AdamOptions or AdamWOptions.
template <class Options>
Options adam_options(const KindSpec& spec) {
  return Options(spec.number("learning_rate"))
      .betas({spec.number("beta1"), spec.number("beta2")})
      .eps(spec.number("epsilon"))
      .weight_decay(spec.number("weight_decay"));
}

}  // namespace gradquake::train::kinds
