#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/kinds/perturbations.h"

namespace gradquake::kinds {

PerturbationKind rademacher() {
  return {{.name = "rademacher",
           .summary = "adds mean + scale z, z = +1 or -1",
           .parameters = noise_parameters(Parameter::number("scale", "size").in(Range::non_negative()))},
          [](const KindSpec& spec) { return std::make_unique<NoisePerturbation>(Variate::kRademacher, spec); }};
}

}  // namespace gradquake::kinds
