#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/remembering.h"

namespace gradquake::kinds {
namespace {

class Stale : public Perturbation {
 public:
  explicit Stale(const KindSpec& spec)
      : steps_(spec.integer("steps")), need_(memory_need(spec, steps_)), words_(memory_words(spec)) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    const at::Tensor value = context.memory.recall(tensor);
    context.memory.keep(tensor);
    return {.value = value};
  }
  std::string describe() const override {
    return "as it was " + std::to_string(steps_) + (steps_ == 1 ? " step" : " steps") + " before" + words_;
  }
  bool has_amplitude() const override { return false; }
  Chance chance() const override { return Chance::kNone; }
  Scope scope() const override { return need_.per == MemoryPer::kTensor ? Scope::kBatch : Scope::kElement; }
  std::optional<MemoryNeed> memory() const override { return need_; }

 private:
  std::int64_t steps_;
  MemoryNeed need_;
  std::string words_;
};

}  // namespace

PerturbationKind stale() {
  return {{.name = "stale",
           .summary = "the tensor as it was some steps before; as it is, until there is one",
           .parameters = with_memory(
               {Parameter::integer(
                    "steps", "how many steps before, of those at which the rule fired there, or fired for the sample")
                    .between(1, 1'000'000)
                    .by_default(1)})},
          [](const KindSpec& spec) { return std::make_unique<Stale>(spec); }};
}

}  // namespace gradquake::kinds
