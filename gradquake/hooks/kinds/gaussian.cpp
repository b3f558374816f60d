#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/kinds/perturbations.h"

namespace gradquake::kinds {

PerturbationKind gaussian() {
  return {{.name = "gaussian",
           .summary = "adds mean + scale z, z ~ N(0, 1)",
           .parameters = noise_parameters(Parameter::number("scale", "standard deviation").in(Range::non_negative()))},
          [](const KindSpec& spec) { return std::make_unique<NoisePerturbation>(Variate::kGaussian, spec); }};
}

}  // namespace gradquake::kinds
