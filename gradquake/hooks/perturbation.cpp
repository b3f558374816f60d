#include "gradquake/hooks/perturbation.h"

#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {

Perturbation::~Perturbation() = default;
bool Perturbation::needs_reference_rms() const { return false; }
std::string Perturbation::describe() const { return ""; }
std::optional<ElementMoments> Perturbation::moments() const { return std::nullopt; }
bool Perturbation::has_amplitude() const { return true; }
bool Perturbation::has_slope() const { return false; }
Scope Perturbation::scope() const { return Scope::kBatch; }
Chance Perturbation::chance() const { return Chance::kSome; }
std::optional<MemoryNeed> Perturbation::memory() const { return std::nullopt; }

Registry<PerturbationFactory>& perturbations() {
  static Registry<PerturbationFactory> registry(
      "perturbation", {kinds::gaussian(), kinds::uniform(), kinds::rademacher(), kinds::laplace(), kinds::constant(),
                       kinds::multiplicative(), kinds::round(), kinds::top_k(), kinds::random_k(), kinds::threshold(),
                       kinds::low_rank(), kinds::bit_flip(), kinds::stuck_at(), kinds::zero(), kinds::scale(),
                       kinds::swap(), kinds::stale(), kinds::delta(), kinds::error_feedback()});
  return registry;
}

std::unique_ptr<Perturbation> make_perturbation(const KindSpec& spec) {
  const KindSpec complete = perturbations().complete(spec);
  std::unique_ptr<Perturbation> perturbation = perturbations().factory(spec.kind)(complete);
  if (!perturbation) detail::refuse("a perturbation from the factory of '" + spec.kind + "'", "a null pointer");
  return perturbation;
}

std::string describe_perturbation(const KindSpec& spec) {
  const std::string own = make_perturbation(spec)->describe();
  return own.empty() ? words_of(perturbations().complete(spec)) : own;
}

}  // namespace gradquake
