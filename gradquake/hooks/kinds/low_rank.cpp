#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>

#include <algorithm>

#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::kinds {
namespace {

class LowRank : public Perturbation {
 public:
  explicit LowRank(std::int64_t rank) : rank_(rank) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const at::Tensor ordered = tensor.permute(context.element_order);
    const bool sequences = ordered.dim() == 3;
    const std::int64_t rows = sequences ? ordered.size(0) * ordered.size(1) : ordered.dim() == 0 ? 1 : ordered.size(0);
    const at::Tensor matrix = ordered.reshape({rows, tensor.numel() / rows});
    const std::int64_t most = std::min(matrix.size(0), matrix.size(1));
    if (rank_ > most) {
      detail::refuse_key("rank", c10::str("at most ", most, " for a matrix of ", matrix.sizes()),
                         std::to_string(rank_));
    }
    const bool narrow = tensor.scalar_type() != at::kDouble && tensor.scalar_type() != at::kFloat;
    const auto [u, s, vh] = at::linalg_svd(narrow ? matrix.to(at::kFloat) : matrix, false);
    const at::Tensor approximation =
        u.slice(1, 0, rank_).mul(s.slice(0, 0, rank_)).matmul(vh.slice(0, 0, rank_)).view(ordered.sizes());
    return {.value = approximation.permute(detail::inverse(context.element_order)).to(tensor.scalar_type())};
  }
  bool has_amplitude() const override { return false; }
  Chance chance() const override { return Chance::kNone; }
  Scope scope() const override { return Scope::kBatch; }

 private:
  std::int64_t rank_;
};

}  // namespace

PerturbationKind low_rank() {
  return {{.name = "low_rank",
           .summary = "the nearest matrix of a rank, samples by features ([batch * length, features] of sequences)",
           .parameters = {Parameter::integer("rank", "of the matrix").at_least(1)}},
          [](const KindSpec& spec) { return std::make_unique<LowRank>(spec.integer("rank")); }};
}

}  // namespace gradquake::kinds
