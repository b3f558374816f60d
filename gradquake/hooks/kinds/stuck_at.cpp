#include <ATen/ops/where.h>

#include "gradquake/hooks/kinds/draws.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class StuckAt : public Perturbation {
 public:
  explicit StuckAt(const KindSpec& spec) : share_(spec.number("share")), value_(spec.number("value")) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    PerturbationContext always = context;
    always.stream.step = always.stream.occurrence = 0;  // a broken cell stays broken
    const at::Tensor works = uniform_draws(tensor, always, Unit::kFeature).ge(share_).expand_as(tensor);
    Perturbed result{.value = at::where(works, tensor, value_ / context.loss_divisor)};
    if (context.wants_slope) result.slope = works.to(tensor.scalar_type());
    return result;
  }
  std::string describe() const override {
    return short_number(100 * share_) + " % of the features stuck at " + short_number(value_);
  }
  bool has_slope() const override { return true; }
  bool has_amplitude() const override { return false; }
  Scope scope() const override { return Scope::kElement; }

 private:
  double share_, value_;
};

}  // namespace

PerturbationKind stuck_at() {
  return {{.name = "stuck_at",
           .summary = "gives the same features of every sample one value, at every step and occurrence",
           .parameters = {Parameter::number("share", "the probability that a feature is stuck").in({0, 1, true, false}),
                          Parameter::number("value", "what it is stuck at").by_default(0.0)}},
          [](const KindSpec& spec) { return std::make_unique<StuckAt>(spec); }};
}

}  // namespace gradquake::kinds
