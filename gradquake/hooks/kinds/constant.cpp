#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/kinds/perturbations.h"

namespace gradquake::kinds {

PerturbationKind constant() {
  return {{.name = "constant",
           .summary = "adds mean + scale",
           .parameters = noise_parameters(Parameter::number("scale", "the value added").in(Range::any()))},
          [](const KindSpec& spec) { return std::make_unique<NoisePerturbation>(Variate::kConstant, spec); }};
}

}  // namespace gradquake::kinds
