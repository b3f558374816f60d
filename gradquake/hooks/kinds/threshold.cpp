#include <cmath>

#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class Threshold : public Perturbation {
 public:
  explicit Threshold(const KindSpec& spec)
      : below_(spec.number("below")), relative_to_(from_text<RelativeTo>(spec.text("relative_to"))) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const double unit = needs_reference_rms() ? context.reference_rms : 1 / context.loss_divisor;
    const double limit = context.amplitude * unit * below_;
    Perturbed result;
    result.value = detail::in_working_type(tensor, [&](const at::Tensor& wide, auto zero) {
      using T = decltype(zero);
      return detail::map_in_order<T>(wide, context.element_order, [&](const T* in, T* out, std::uint64_t n) {
        const auto below = static_cast<T>(limit);
        for (std::uint64_t i = 0; i < n; ++i) out[i] = std::fabs(in[i]) < below ? T{0} : in[i];  // NaN is kept
      });
    });
    if (context.wants_slope) result.slope = tensor.abs().lt(limit).logical_not_().to(tensor.scalar_type());
    return result;
  }
  bool needs_reference_rms() const override { return relative_to_ == RelativeTo::kRms; }
  std::string describe() const override {
    return "sets magnitudes below " + short_number(below_) + (needs_reference_rms() ? " x RMS" : "") + " to 0";
  }
  bool has_slope() const override { return true; }
  Chance chance() const override { return Chance::kNone; }
  Scope scope() const override { return needs_reference_rms() ? Scope::kBatch : Scope::kElement; }

 private:
  double below_;
  RelativeTo relative_to_;
};

}  // namespace

PerturbationKind threshold() {
  return {{.name = "threshold",
           .summary = "sets magnitudes below a limit to 0",
           .parameters = {Parameter::number("below", "the limit").in(Range::positive()),
                          Parameter::choice("relative_to", texts_of<RelativeTo>(), "what below is a multiple of")
                              .by_default(to_text(RelativeTo::kNone))}},
          [](const KindSpec& spec) { return std::make_unique<Threshold>(spec); }};
}

}  // namespace gradquake::kinds
