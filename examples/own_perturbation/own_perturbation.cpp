// A plug-in with a perturbation of one's own: values are rounded to multiples of a step, as a fixed-point unit would.
#include <gradquake/hooks/perturbation.h>
#include <gradquake/run/plugin.h>
#include <torch/torch.h>

namespace {

class FixedPoint : public gradquake::Perturbation {
 public:
  explicit FixedPoint(double step) : step_(step) {}

  gradquake::Perturbed apply(const at::Tensor& y, const gradquake::PerturbationContext&) const override {
    return {(y / step_).round() * step_, std::nullopt};
  }

 private:
  double step_;
};

}  // namespace

GRADQUAKE_PLUGIN {
  using gradquake::Parameter;
  gradquake::perturbations().add(
      {"fixed_point",
       "rounds to multiples of a step",
       {Parameter::number("step", "distance of two values").in(gradquake::Range::positive()).by_default(0.125)}},
      [](const gradquake::KindSpec& spec) { return std::make_unique<FixedPoint>(spec.number("step")); });
}
