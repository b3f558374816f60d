#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/kinds/perturbations.h"

namespace gradquake::kinds {

PerturbationKind laplace() {
  return {{.name = "laplace",
           .summary = "adds mean + scale z, z of density exp(-|z|) / 2",
           .parameters = noise_parameters(
               Parameter::number("scale", "average magnitude; the standard deviation is sqrt(2) times it")
                   .in(Range::non_negative()))},
          [](const KindSpec& spec) { return std::make_unique<NoisePerturbation>(Variate::kLaplace, spec); }};
}

}  // namespace gradquake::kinds
