#include "gradquake/hooks/kinds/remembering.h"

#include <cmath>
#include <utility>

#include "gradquake/hooks/kinds/noise_perturbation.h"

namespace gradquake::kinds {
namespace {

const KindGroup& perturbation_group() { return perturbations(); }

constexpr double kMegabyte = 1 << 20;

}  // namespace

std::vector<Parameter> with_memory(std::vector<Parameter> own) {
  own.push_back(Parameter::choice("memory", texts_of<MemoryPer>(),
                                  "whose it is: the whole tensor's, where every batch is the whole data set, or each "
                                  "sample's; absent: per_sample at sites, per_tensor at weights")
                    .optional());
  own.push_back(Parameter::number("limit_mb", "the most that the rule may remember, at all its sites together")
                    .in(Range::positive())
                    .in_units("MB of 2^20 bytes")
                    .by_default(1024.0));
  return own;
}

MemoryNeed memory_need(const KindSpec& spec, std::int64_t visits) {
  MemoryNeed need{.visits = visits, .limit_bytes = spec.number("limit_mb") * kMegabyte};
  if (spec.has("memory")) need.per = from_text<MemoryPer>(spec.text("memory"));
  return need;
}

std::string memory_words(const KindSpec& spec) {
  if (!spec.has("memory")) return "";
  return from_text<MemoryPer>(spec.text("memory")) == MemoryPer::kTensor ? ", per tensor" : ", per sample";
}

Parameter inner_parameter(KindSpec by_default, std::string meaning) {
  return Parameter::kind("of", perturbation_group, std::move(meaning)).by_default(std::move(by_default));
}

std::optional<KindProblem> check_inner(const KindSpec& spec) {
  const KindSpec& inner = spec.nested("of");
  if (!make_perturbation(inner)->memory()) return std::nullopt;
  return KindProblem{"of", "expected a kind without a memory of its own, got '" + inner.kind + "'"};
}

at::Tensor widened(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? tensor : tensor.to(at::kFloat);
}

Remembering::Remembering(const KindSpec& spec)
    : inner_(make_perturbation(spec.nested("of"))),
      need_(memory_need(spec)),
      words_(describe_perturbation(spec.nested("of")) + memory_words(spec)) {}

Perturbed Remembering::inner(const at::Tensor& tensor, const PerturbationContext& context) const {
  PerturbationContext own = context;
  own.memory = {};
  if (inner_->needs_reference_rms())
    own.reference_rms = std::sqrt(detail::squared_norm(tensor) / static_cast<double>(tensor.numel()));
  return inner_->apply(tensor, own);
}

}  // namespace gradquake::kinds
