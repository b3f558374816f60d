#include "gradquake/hooks/kinds/selection.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>

#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::kinds {
namespace {

// Magnitudes of float32 are in the order of their bits without the sign.
void mark_largest(const float* scores, bool* marks, std::int64_t kept, std::vector<std::uint32_t>& magnitudes,
                  std::vector<std::uint32_t>& sorted) {
  const std::size_t n = magnitudes.size();
  for (std::size_t i = 0; i < n; ++i) magnitudes[i] = std::bit_cast<std::uint32_t>(scores[i]) & 0x7fffffffu;
  if (n == 0) return;
  sorted = magnitudes;
  const auto last = sorted.begin() + (kept - 1);
  std::nth_element(sorted.begin(), last, sorted.end(), std::greater<>());
  const std::uint32_t least = *last;
  std::int64_t of_least = kept;  // how many of those equal to the least are kept
  for (std::size_t i = 0; i < n; ++i) of_least -= magnitudes[i] > least;
  for (std::size_t i = 0; i < n; ++i) marks[i] = magnitudes[i] > least || (magnitudes[i] == least && of_least-- > 0);
}

}  // namespace

Perturbed keep(const at::Tensor& tensor, const at::Tensor& kept, double factor, const PerturbationContext& context) {
  Perturbed result{.value = at::where(kept, factor == 1 ? tensor : tensor.mul(factor), 0)};
  if (context.wants_slope) result.slope = kept.to(tensor.scalar_type()).mul(factor);
  return result;
}

KeptCount::KeptCount(const KindSpec& spec)
    : share_(spec.optional_number("share")),
      count_(spec.optional_integer("count")),
      pool_(from_text<Pool>(spec.text("of"))) {}

std::int64_t KeptCount::of(std::int64_t n) const {
  if (count_ && *count_ > n) {
    detail::refuse_key("count", "at most the " + std::to_string(n) + " elements of a " + to_text(pool_),
                       std::to_string(*count_));
  }
  if (count_) return *count_;
  return std::clamp<std::int64_t>(std::llround(*share_ * static_cast<double>(n)), std::min<std::int64_t>(n, 1), n);
}

std::string KeptCount::describe() const {
  const std::string amount = count_ ? std::to_string(*count_) + " elements" : short_number(100 * *share_) + " %";
  return amount + " of each " + to_text(pool_);
}

std::vector<Parameter> kept_parameters(std::vector<Parameter> more) {
  std::vector<Parameter> all = {
      Parameter::number("share", "what is kept, as a share of the elements").in({0, 1, true, false}).or_null(),
      Parameter::integer("count", "what is kept, in elements").at_least(1).or_null(),
      Parameter::choice("of", texts_of<Pool>(), "what it is a share or a number of")
          .by_default(to_text(Pool::kSample))};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::optional<KindProblem> check_kept(const KindSpec& spec) {
  if (spec.has("share") != spec.has("count")) return std::nullopt;
  return KindProblem{"share",
                     std::string("expected either share or count, got ") + (spec.has("share") ? "both" : "neither")};
}

at::Tensor largest_of(const at::Tensor& scores, const KeptCount& count, const PerturbationContext& context) {
  const at::Tensor ordered = scores.permute(context.element_order);
  const bool by_sample = count.pool() == Pool::kSample;
  if (by_sample) detail::require_samples(scores, context, "of", " for of: sample");
  const at::Tensor pools = ordered.reshape({by_sample ? context.rows : 1, -1}).to(at::kCPU, at::kFloat).contiguous();
  const std::int64_t n = pools.size(1), kept = count.of(n);
  const at::Tensor mask = at::empty(pools.sizes(), at::kBool);
  const float* const from = pools.const_data_ptr<float>();
  bool* const to = mask.mutable_data_ptr<bool>();
  at::parallel_for(0, pools.size(0), detail::rows_a_thread(n), [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint32_t> magnitudes(static_cast<std::size_t>(n)), sorted;
    for (std::int64_t pool = begin; pool < end; ++pool)
      mark_largest(from + pool * n, to + pool * n, kept, magnitudes, sorted);
  });
  return mask.view(ordered.sizes()).permute(detail::inverse(context.element_order)).to(scores.device());
}

}  // namespace gradquake::kinds
