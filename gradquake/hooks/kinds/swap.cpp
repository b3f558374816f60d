#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>

#include <algorithm>
#include <cmath>

#include "gradquake/hooks/kinds/draws.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::kinds {
namespace {

class Swap : public Perturbation {
 public:
  explicit Swap(double share) : share_(share) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const std::int64_t batch_dim = context.element_order[0];
    const at::Tensor draws = uniform_draws(tensor, context, Unit::kSample).flatten();
    const std::int64_t rows_each = draws.numel() / context.rows;
    const at::Tensor by_draw = draws.slice(0, 0, {}, rows_each).argsort();
    const std::int64_t pairs =
        std::min<std::int64_t>(std::llround(share_ * static_cast<double>(context.rows) / 2), context.rows / 2);
    const at::Tensor one = by_draw.slice(0, 0, pairs), other = by_draw.slice(0, pairs, 2 * pairs);
    at::Tensor from = at::arange(context.rows, by_draw.options());
    from.index_copy_(0, one, other).index_copy_(0, other, one);
    const at::Tensor rows = from.unsqueeze(1).mul(rows_each).add(at::arange(rows_each, by_draw.options())).flatten();
    return {.value = tensor.index_select(batch_dim, rows)};
  }
  std::string describe() const override { return "exchanges " + short_number(100 * share_) + " % of the samples"; }
  bool has_amplitude() const override { return false; }
  Scope scope() const override { return Scope::kBatch; }

 private:
  double share_;
};

}  // namespace

PerturbationKind swap() {
  return {{.name = "swap",
           .summary = "exchanges samples pair by pair, as an addressing fault does",
           .parameters = {Parameter::number("share", "of the samples").in({0, 1, true, false})}},
          [](const KindSpec& spec) { return std::make_unique<Swap>(spec.number("share")); }};
}

}  // namespace gradquake::kinds
