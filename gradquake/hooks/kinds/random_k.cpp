#include "gradquake/hooks/kinds/draws.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/selection.h"

namespace gradquake::kinds {
namespace {

class RandomK : public Perturbation {
 public:
  explicit RandomK(const KindSpec& spec) : count_(spec), rescale_(spec.flag("rescale")) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const at::Tensor kept = largest_of(uniform_draws(tensor, context, Unit::kElement), count_, context);
    const std::int64_t pool = count_.pool() == Pool::kTensor ? tensor.numel() : tensor.numel() / context.rows;
    const double share = static_cast<double>(count_.of(pool)) / static_cast<double>(pool);
    return keep(tensor, kept, rescale_ ? 1 / share : 1, context);
  }
  std::string describe() const override {
    return "keeps " + count_.describe() + " at random" + (rescale_ ? ", times 1 / share" : "");
  }
  bool has_slope() const override { return true; }
  bool has_amplitude() const override { return false; }
  Scope scope() const override { return count_.pool() == Pool::kSample ? Scope::kSample : Scope::kBatch; }

 private:
  KeptCount count_;
  bool rescale_;
};

}  // namespace

PerturbationKind random_k() {
  return {{.name = "random_k",
           .summary = "keeps elements drawn without replacement, sets the others to 0",
           .parameters = kept_parameters({Parameter::flag("rescale",
                                                          "whether what is kept is multiplied by elements / "
                                                          "kept, which leaves no bias")
                                              .by_default(true)}),
           .check = check_kept},
          [](const KindSpec& spec) { return std::make_unique<RandomK>(spec); }};
}

}  // namespace gradquake::kinds
