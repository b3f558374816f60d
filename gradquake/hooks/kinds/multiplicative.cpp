#include <ATen/ops/addcmul.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class Multiplicative : public Perturbation {
 public:
  explicit Multiplicative(const KindSpec& spec)
      : noise_(variate_of(spec.text("noise")), {spec.text("noise"),
                                                {{"scale", spec.number("scale")},
                                                 {"mean", spec.number("mean")},
                                                 {"relative_to", to_text(RelativeTo::kNone)},
                                                 {"draw", spec.text("draw")}}}) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    PerturbationContext own = context;
    own.loss_divisor = 1;  // a factor has no unit
    Perturbed result;
    result.value = detail::in_working_type(tensor, [&](const at::Tensor& wide, auto) {
      const at::Tensor noise = noise_.apply(at::zeros_like(wide), own).value;
      if (context.wants_slope) result.slope = noise.add(1).to(tensor.options());
      return at::addcmul(wide, wide, noise);
    });
    return result;
  }
  std::string describe() const override { return "y (1 + " + noise_.describe() + ")"; }
  bool has_slope() const override { return true; }
  Chance chance() const override { return noise_.chance(); }
  Scope scope() const override { return Scope::kElement; }

 private:
  static Variate variate_of(const std::string& noise) {
    return noise == "gaussian" ? Variate::kGaussian : noise == "uniform" ? Variate::kUniform : Variate::kRademacher;
  }

  NoisePerturbation noise_;
};

}  // namespace

PerturbationKind multiplicative() {
  return {{.name = "multiplicative",
           .summary = "multiplies by 1 + mean + scale z",
           .parameters = {Parameter::number("scale", "of z").in(Range::non_negative()).by_default(0.1),
                          Parameter::number("mean", "what 1 is increased by on average").by_default(0.0),
                          Parameter::choice("noise", {"gaussian", "uniform", "rademacher"}, "the kind that z is of")
                              .by_default("gaussian"),
                          Parameter::choice("draw", texts_of<DrawMode>(), "how many draws z there are")
                              .by_default(to_text(DrawMode::kPerElement))}},
          [](const KindSpec& spec) { return std::make_unique<Multiplicative>(spec); }};
}

}  // namespace gradquake::kinds
