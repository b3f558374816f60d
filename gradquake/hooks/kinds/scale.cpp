#include <ATen/ops/full.h>
#include <ATen/ops/mul.h>

#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class GainError : public Perturbation {
 public:
  explicit GainError(double factor) : factor_(factor) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const double factor = 1 + context.amplitude * (factor_ - 1);
    Perturbed result{.value = at::mul(tensor, factor)};
    if (context.wants_slope) result.slope = at::full({}, factor, tensor.options());
    return result;
  }
  std::string describe() const override { return "times " + short_number(factor_); }
  bool has_slope() const override { return true; }
  Chance chance() const override { return Chance::kNone; }
  Scope scope() const override { return Scope::kElement; }

 private:
  double factor_;
};

}  // namespace

PerturbationKind scale() {
  return {{.name = "scale",
           .summary = "multiplies by a factor, the error of a gain: 1 + amplitude (factor - 1)",
           .parameters = {Parameter::number("factor", "what a value is multiplied by")}},
          [](const KindSpec& spec) { return std::make_unique<GainError>(spec.number("factor")); }};
}

}  // namespace gradquake::kinds
