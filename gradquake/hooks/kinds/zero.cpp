#include "gradquake/hooks/kinds/draws.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/kinds/selection.h"

namespace gradquake::kinds {
namespace {

class Zero : public Perturbation {
 public:
  explicit Zero(const KindSpec& spec) : share_(spec.number("share")), of_(from_text<Unit>(spec.text("of"))) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    return keep(tensor, uniform_draws(tensor, context, of_).ge(share_).expand_as(tensor), 1, context);
  }
  std::string describe() const override {
    return "sets " + short_number(100 * share_) + " % of the " + to_text(of_) + "s to 0";
  }
  bool has_slope() const override { return true; }
  bool has_amplitude() const override { return false; }
  Scope scope() const override { return Scope::kElement; }

 private:
  double share_;
  Unit of_;
};

}  // namespace

PerturbationKind zero() {
  return {{.name = "zero",
           .summary = "sets values to 0, each with the same probability",
           .parameters = {Parameter::number("share", "the probability").in({0, 1, true, false}),
                          Parameter::choice("of", texts_of<Unit>(), "what is set to 0 as one")
                              .by_default(to_text(Unit::kElement))}},
          [](const KindSpec& spec) { return std::make_unique<Zero>(spec); }};
}

}  // namespace gradquake::kinds
