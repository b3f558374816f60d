#include <ATen/ops/zeros_like.h>

#include <memory>
#include <string>

#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/remembering.h"

namespace gradquake::kinds {
namespace {

class ErrorFeedback : public Remembering {
 public:
  using Remembering::Remembering;

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const at::Tensor y = widened(tensor), wanted = y.add(context.memory.recall(at::zeros_like(y)));
    const Perturbed sent = inner(wanted, context);
    Perturbed result{.value = sent.value.to(tensor.scalar_type())};
    if (sent.slope.defined()) result.slope = sent.slope.to(tensor.scalar_type());
    context.memory.keep(wanted.sub(result.value));
    return result;
  }
  std::string describe() const override { return "with error feedback, " + inner_words(); }
};

}  // namespace

PerturbationKind error_feedback() {
  return {{.name = "error_feedback",
           .summary = "C(y + e), where e, 0 at first, is what C left out the last time",
           .parameters = with_memory(
               {inner_parameter({"top_k", {{"share", 0.1}}}, "C, done to the sum: a kind without a memory")}),
           .check = check_inner},
          [](const KindSpec& spec) { return std::make_unique<ErrorFeedback>(spec); }};
}

}  // namespace gradquake::kinds
