#include <ATen/ops/zeros_like.h>

#include <memory>
#include <string>

#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/remembering.h"

namespace gradquake::kinds {
namespace {

class Delta : public Remembering {
 public:
  using Remembering::Remembering;

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const at::Tensor y = widened(tensor), last = context.memory.recall(at::zeros_like(y));
    const Perturbed difference = inner(y.sub(last), context);
    Perturbed result{.value = last.add(difference.value).to(tensor.scalar_type())};
    if (difference.slope.defined()) result.slope = difference.slope.to(tensor.scalar_type());
    context.memory.keep(result.value);
    return result;
  }
  std::string describe() const override { return "difference to its last outcome, " + inner_words(); }
};

}  // namespace

PerturbationKind delta() {
  return {{.name = "delta",
           .summary = "m + Q(y - m), where m, 0 at first, is what came out the last time",
           .parameters = with_memory({inner_parameter({"round", {{"format", "int4"}}},
                                                      "Q, done to the difference: a kind without a memory")}),
           .check = check_inner},
          [](const KindSpec& spec) { return std::make_unique<Delta>(spec); }};
}

}  // namespace gradquake::kinds
