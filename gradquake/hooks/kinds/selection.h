// What the kinds that keep some values and drop the others share. Internal to hooks/.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/perturbation.h"

namespace gradquake {

namespace kinds {
enum class Pool { kSample, kTensor };
}  // namespace kinds

template <>
struct EnumTexts<kinds::Pool> {
  static constexpr std::array<std::pair<kinds::Pool, const char*>, 2> table = {
      {{kinds::Pool::kSample, "sample"}, {kinds::Pool::kTensor, "tensor"}}};
};

namespace kinds {

// factor * y where `kept`, else 0.
Perturbed keep(const at::Tensor& tensor, const at::Tensor& kept, double factor, const PerturbationContext& context);

// How many of a pool are kept: `share` or `count`, one of the two.
class KeptCount {
 public:
  explicit KeptCount(const KindSpec& spec);
  // Of n; throws std::invalid_argument where it is more. A share keeps one at least.
  std::int64_t of(std::int64_t n) const;
  std::string describe() const;  // "10 %", "5 elements"
  Pool pool() const { return pool_; }

 private:
  std::optional<double> share_;
  std::optional<std::int64_t> count_;
  Pool pool_;
};

// `share`, `count` and `of`, and what is wrong with them.
std::vector<Parameter> kept_parameters(std::vector<Parameter> more = {});
std::optional<KindProblem> check_kept(const KindSpec& spec);

// True at the largest magnitudes of each pool, of equals those with the first addresses; NaN counts as the largest.
// Throws std::invalid_argument where samples cannot be told apart.
at::Tensor largest_of(const at::Tensor& scores, const KeptCount& count, const PerturbationContext& context);

}  // namespace kinds
}  // namespace gradquake
