#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/formats/rounding.h"
#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/random/subset.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace kinds {

enum class BitView { kFloat32, kBf16, kInt8 };

}  // namespace kinds

template <>
struct EnumTexts<kinds::BitView> {
  static constexpr std::array<std::pair<kinds::BitView, const char*>, 3> table = {
      {{kinds::BitView::kFloat32, "float32"}, {kinds::BitView::kBf16, "bf16"}, {kinds::BitView::kInt8, "int8"}}};
};

namespace kinds {
namespace {

// Elements whose flips follow from one another: the gaps between two flips are drawn from the block's start, so that
// they do not depend on how a batch is split.
constexpr std::int64_t kFlipBlock = 1 << 16;
constexpr std::uint64_t kDrawsOfABlock = std::uint64_t{kFlipBlock} * 32 + 1;

struct BitRange {
  std::int64_t lowest = 0, highest = 31;
  std::int64_t count() const { return highest - lowest + 1; }
};

// Sign, exponent and mantissa from the topmost bit down.
BitRange range_of(const std::string& part, BitView view) {
  const std::int64_t width = view == BitView::kFloat32 ? 32 : view == BitView::kBf16 ? 16 : 8;
  const std::int64_t mantissa = view == BitView::kFloat32 ? 23 : 7;  // of int8: all but the sign
  if (part == "sign") return {width - 1, width - 1};
  if (part == "exponent") return {mantissa, width - 2};
  if (part == "mantissa") return {0, mantissa - 1};
  return {0, width - 1};
}

class BitFlip : public Perturbation {
 public:
  explicit BitFlip(const KindSpec& spec)
      : rate_(spec.optional_number("rate")),
        count_(spec.optional_integer("count")),
        view_(from_text<BitView>(spec.text("view"))),
        part_(spec.text("bits")),
        bits_(range_of(part_, view_)) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    if (count_) require_bits(tensor, context);
    return {.value = detail::in_working_type(tensor, [&](const at::Tensor& wide, auto zero) {
              using T = decltype(zero);
              return detail::map_in_order<T>(wide, context.element_order, [&](const T* in, T* out, std::uint64_t n) {
                if (in != out) std::copy(in, in + n, out);
                const T step = view_ == BitView::kInt8 ? int8_step(in, n) : T{0};
                const auto flip_one = [&](std::int64_t element, std::int64_t bit) {
                  out[element] = flipped(out[element], bit, step);
                };
                const auto first = static_cast<std::int64_t>(detail::first_element(wide, context));
                count_ ? by_count(static_cast<std::int64_t>(n), context, flip_one)
                       : by_rate(static_cast<std::int64_t>(n), first, context.stream, flip_one);
              });
            })};
  }
  std::string describe() const override {
    const std::string amount =
        count_ ? std::to_string(*count_) + " bits a sample" : "each bit at rate " + short_number(*rate_);
    return "flips " + amount + ", of " + part_ + (part_ == "all" ? " in " : " of ") + to_text(view_);
  }
  bool has_amplitude() const override { return false; }
  Scope scope() const override { return view_ == BitView::kInt8 ? Scope::kBatch : Scope::kElement; }

 private:
  void require_bits(const at::Tensor& tensor, const PerturbationContext& context) const {
    detail::require_samples(tensor, context, "count");
    const std::int64_t most = tensor.numel() / context.rows * bits_.count();
    if (*count_ > most)
      detail::refuse_key("count", "at most the " + std::to_string(most) + " bits of a sample", std::to_string(*count_));
  }

  template <class T>
  static T int8_step(const T* in, std::uint64_t n) {
    const Extent<T> extent = finite_extent(in, n);
    return std::max(std::max(-extent.lowest, extent.highest) / 127, std::numeric_limits<T>::denorm_min());
  }

  template <class T>
  T flipped(T x, std::int64_t bit, T step) const {
    if (view_ == BitView::kInt8) {
      const T code = std::isnan(x) ? T{0} : std::clamp(std::nearbyint(x / step), T{-128}, T{127});
      const auto bits = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
      return step * static_cast<T>(static_cast<std::int8_t>(bits ^ (std::uint8_t{1} << bit)));
    }
    auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
    if (view_ == BitView::kBf16) {
      if (!std::isnan(x)) bits += 0x7fff + ((bits >> 16) & 1);  // to the nearest, ties to even
      bits = (bits & 0xffff0000u) ^ (std::uint32_t{1} << (16 + bit));
    } else {
      bits ^= std::uint32_t{1} << bit;
    }
    return static_cast<T>(std::bit_cast<float>(bits));
  }

  template <class Flip>
  void by_rate(std::int64_t n, std::int64_t first, const Stream& stream, const Flip& flip) const {
    const double log_none = std::log1p(-*rate_);
    const std::int64_t positions = kFlipBlock * bits_.count();
    for (std::int64_t block = first / kFlipBlock; block * kFlipBlock < first + n; ++block) {
      const std::uint64_t draws = static_cast<std::uint64_t>(block) * kDrawsOfABlock;
      std::int64_t position = -1;
      for (std::uint64_t i = 0;; ++i) {
        const double gap = std::floor(std::log1p(-uniform_at(stream, draws + i)) / log_none);
        if (gap >= static_cast<double>(positions - position - 1)) break;
        position += 1 + static_cast<std::int64_t>(gap);
        const std::int64_t element = block * kFlipBlock + position / bits_.count() - first;
        if (element >= n) break;
        if (element >= 0) flip(element, bits_.lowest + position % bits_.count());
      }
    }
  }

  template <class Flip>
  void by_count(std::int64_t n, const PerturbationContext& context, const Flip& flip) const {
    const std::int64_t elements = n / context.rows, span = elements * bits_.count();
    for (std::int64_t row = 0; row < context.rows; ++row) {
      const auto first = static_cast<std::uint64_t>((context.first_row + row) * span);
      for (const std::int64_t position : random_subset(*count_, span, context.stream, first))
        flip(row * elements + position / bits_.count(), bits_.lowest + position % bits_.count());
    }
  }

  std::optional<double> rate_;
  std::optional<std::int64_t> count_;
  BitView view_;
  std::string part_;
  BitRange bits_;
};

std::optional<KindProblem> check_bit_flip(const KindSpec& spec) {
  if (spec.has("rate") == spec.has("count"))
    return KindProblem{"rate",
                       std::string("expected either rate or count, got ") + (spec.has("rate") ? "both" : "neither")};
  if (spec.text("view") == "int8" && spec.text("bits") == "exponent")
    return KindProblem{"bits", "expected all, sign or mantissa in int8, which has no exponent, got exponent"};
  return std::nullopt;
}

}  // namespace

PerturbationKind bit_flip() {
  return {
      {.name = "bit_flip",
       .summary = "flips bits of the numbers as a format holds them; a number none of whose bits flips stays as it is",
       .parameters =
           {Parameter::number("rate", "probability that a bit flips").in({0, 1, true, false}).or_null(),
            Parameter::integer("count", "bits that flip in each sample").at_least(1).or_null(),
            Parameter::choice("bits", {"all", "sign", "exponent", "mantissa"}, "which of them can").by_default("all"),
            Parameter::choice("view", texts_of<BitView>(),
                              "the format; int8: multiples of the tensor's largest magnitude / 127")
                .by_default(to_text(BitView::kFloat32))},
       .check = check_bit_flip},
      [](const KindSpec& spec) { return std::make_unique<BitFlip>(spec); }};
}

}  // namespace kinds
}  // namespace gradquake
