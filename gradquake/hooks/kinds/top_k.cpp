#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/selection.h"

namespace gradquake::kinds {
namespace {

class TopK : public Perturbation {
 public:
  explicit TopK(const KindSpec& spec) : count_(spec) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    return keep(tensor, largest_of(tensor, count_, context), 1, context);
  }
  std::string describe() const override { return "keeps the largest " + count_.describe(); }
  bool has_slope() const override { return true; }
  bool has_amplitude() const override { return false; }
  Chance chance() const override { return Chance::kNone; }
  Scope scope() const override { return count_.pool() == Pool::kSample ? Scope::kSample : Scope::kBatch; }

 private:
  KeptCount count_;
};

}  // namespace

PerturbationKind top_k() {
  return {{.name = "top_k",
           .summary = "keeps the largest magnitudes, sets the others to 0",
           .parameters = kept_parameters(),
           .check = check_kept},
          [](const KindSpec& spec) { return std::make_unique<TopK>(spec); }};
}

}  // namespace gradquake::kinds
