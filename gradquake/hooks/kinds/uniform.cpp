#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/kinds/perturbations.h"

namespace gradquake::kinds {

PerturbationKind uniform() {
  return {{.name = "uniform",
           .summary = "adds mean + scale z, z ~ U[-1, 1)",
           .parameters = noise_parameters(Parameter::number("scale", "half-width").in(Range::non_negative()))},
          [](const KindSpec& spec) { return std::make_unique<NoisePerturbation>(Variate::kUniform, spec); }};
}

}  // namespace gradquake::kinds
