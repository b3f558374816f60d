#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/formats/number_format.h"
#include "gradquake/hooks/formats/rounding.h"
#include "gradquake/hooks/kinds/draws.h"
#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/perturbations.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace kinds {

enum class Shared { kTensor, kChannel, kToken };  // what has one scale
enum class Rounding { kNearestEven, kStochastic };

}  // namespace kinds

template <>
struct EnumTexts<kinds::Shared> {
  static constexpr std::array<std::pair<kinds::Shared, const char*>, 3> table = {
      {{kinds::Shared::kTensor, "tensor"}, {kinds::Shared::kChannel, "channel"}, {kinds::Shared::kToken, "token"}}};
};

template <>
struct EnumTexts<kinds::Rounding> {
  static constexpr std::array<std::pair<kinds::Rounding, const char*>, 2> table = {
      {{kinds::Rounding::kNearestEven, "nearest_even"}, {kinds::Rounding::kStochastic, "stochastic"}}};
};

template <>
struct EnumTexts<Overflow> {
  static constexpr std::array<std::pair<Overflow, const char*>, 2> table = {
      {{Overflow::kSaturate, "saturate"}, {Overflow::kIeee, "ieee"}}};
};

namespace kinds {
namespace {

// A grid that holds the numbers of an extent.
template <class T>
IntegerGrid<T> grid_of(const Extent<T>& extent, int bits, bool symmetric) {
  const double steps = std::ldexp(1.0, symmetric ? bits - 1 : bits) - 1;
  const auto positive = [](double step) {
    return std::max(static_cast<T>(step), std::numeric_limits<T>::denorm_min());
  };
  const auto highest = static_cast<T>(steps);
  if (symmetric) {
    const double largest = std::max(-static_cast<double>(extent.lowest), static_cast<double>(extent.highest));
    return {positive(largest / steps), 0, -highest, highest};
  }
  const double low = std::min<double>(extent.lowest, 0), high = std::max<double>(extent.highest, 0);
  const T step = positive(high / steps - low / steps);
  return {step, static_cast<T>(std::nearbyint(-low / static_cast<double>(step))), 0, highest};
}

class Round : public Perturbation {
 public:
  explicit Round(const KindSpec& spec)
      : name_(spec.text("format")),
        format_(number_format(name_)),
        rounding_(from_text<Rounding>(spec.text("rounding"))),
        overflow_(from_text<Overflow>(spec.text("overflow"))),
        shared_(from_text<Shared>(spec.text("per"))),
        symmetric_(spec.flag("symmetric")),
        block_dim_(spec.integer("block_dim")) {}

  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override {
    return {.value = detail::in_working_type(tensor, [&](const at::Tensor& wide, auto zero) {
              using T = decltype(zero);
              if (const auto* const format = std::get_if<FloatFormat>(&format_))
                return to_float<T>(wide, context, *format);
              if (const auto* const format = std::get_if<IntegerFormat>(&format_))
                return to_integer<T>(wide, context, *format);
              return to_blocks<T>(wide, context, std::get<BlockFormat>(format_));
            })};
  }
  std::string describe() const override {
    std::string text = "rounds to " + name_;
    if (rounding_ == Rounding::kStochastic) text += ", stochastically";
    if (std::holds_alternative<IntegerFormat>(format_))
      text += std::string(symmetric_ ? "" : ", affine") + ", one scale a " + to_text(shared_);
    return text;
  }
  bool has_amplitude() const override { return false; }
  Chance chance() const override { return rounding_ == Rounding::kNearestEven ? Chance::kNone : Chance::kSome; }
  Scope scope() const override {
    if (std::holds_alternative<FloatFormat>(format_)) return Scope::kElement;
    const auto* const block = std::get_if<BlockFormat>(&format_);
    if (block != nullptr && !block->scale && block_dim_ != 0) return Scope::kSample;
    return block == nullptr && shared_ == Shared::kToken ? Scope::kSample : Scope::kBatch;
  }

 private:
  template <class T>
  at::Tensor to_float(const at::Tensor& tensor, const PerturbationContext& context, const FloatFormat& format) const {
    const std::uint64_t first = detail::first_element(tensor, context);
    return detail::map_in_order<T>(tensor, context.element_order, [&](const T* in, T* out, std::uint64_t n) {
      detail::for_each_chunk(n, first, [&](std::uint64_t begin, std::uint64_t end) {
        if (rounding_ == Rounding::kNearestEven) {
          round_to_float(in + begin, out + begin, end - begin, format, overflow_, nullptr);
          return AddedNorms{};
        }
        std::array<float, 2048> u;  // in the first-level cache
        for (std::uint64_t i = begin; i < end; i += u.size()) {
          const std::uint64_t count = std::min<std::uint64_t>(u.size(), end - i);
          fill_uniform(u.data(), count, context.stream, first + i);
          round_to_float(in + i, out + i, count, format, overflow_, u.data());
        }
        return AddedNorms{};
      });
    });
  }

  // Calls round(in, out, n, uniform) for each row of [groups, n] and puts the result back where it came from.
  template <class T, class RoundRow>
  at::Tensor by_row(const at::Tensor& grouped, const at::Tensor& uniform, const RoundRow& round) const {
    const at::Tensor in = grouped.contiguous(), out = at::empty_like(in);
    const at::Tensor u = uniform.defined() ? uniform.contiguous() : uniform;
    const std::int64_t n = in.size(-1), groups = n == 0 ? 0 : in.numel() / n;
    const T* const from = in.const_data_ptr<T>();
    T* const to = out.mutable_data_ptr<T>();
    at::parallel_for(0, groups, detail::rows_a_thread(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t g = begin; g < end; ++g)
        round(from + g * n, to + g * n, static_cast<std::size_t>(n),
              u.defined() ? u.const_data_ptr<float>() + g * n : nullptr);
    });
    return out;
  }

  at::Tensor uniform_for(const at::Tensor& tensor, const PerturbationContext& context) const {
    return rounding_ == Rounding::kStochastic ? uniform_draws(tensor, context, Unit::kElement) : at::Tensor();
  }

  template <class T>
  at::Tensor to_integer(const at::Tensor& tensor, const PerturbationContext& context,
                        const IntegerFormat& format) const {
    std::int64_t kept = 0;  // dimensions in front that number the groups
    std::vector<std::int64_t> order = context.element_order;
    if (shared_ == Shared::kChannel) {
      const auto channel = std::find(order.begin(), order.end(), channel_dimension(tensor, context));
      std::rotate(order.begin(), channel, channel + 1);
      kept = 1;
    } else if (shared_ == Shared::kToken) {
      kept = tensor.dim() == 3 ? 2 : 1;
    }
    const auto grouped = [&](const at::Tensor& whole) {
      std::vector<std::int64_t> shape = whole.permute(order).sizes().slice(0, static_cast<std::size_t>(kept)).vec();
      shape.push_back(-1);
      return whole.permute(order).reshape(shape);
    };
    const at::Tensor uniform = uniform_for(tensor, context);
    const at::Tensor rounded =
        by_row<T>(grouped(tensor), uniform.defined() ? grouped(uniform) : uniform,
                  [&](const T* in, T* out, std::size_t n, const float* u) {
                    round_to_grid(in, out, n, grid_of(finite_extent(in, n), format.bits, symmetric_), u);
                  });
    return detail::empty_keeping_strides(tensor).copy_(
        rounded.view(tensor.permute(order).sizes()).permute(detail::inverse(order)));
  }

  template <class T>
  at::Tensor to_blocks(const at::Tensor& tensor, const PerturbationContext& context, const BlockFormat& format) const {
    if (block_dim_ < -tensor.dim() || block_dim_ >= tensor.dim())
      detail::refuse_key("block_dim", "a dimension of the tensor", c10::str(block_dim_, " for shape ", tensor.sizes()));
    T tensor_scale = 0;
    if (format.scale) {
      const at::Tensor flat = tensor.contiguous();
      const Extent<T> extent = finite_extent(flat.const_data_ptr<T>(), static_cast<std::size_t>(flat.numel()));
      tensor_scale =
          std::max(-extent.lowest, extent.highest) / static_cast<T>(format.element.largest * format.scale->largest);
    }
    const auto behind = [&](const at::Tensor& whole) { return whole.movedim(block_dim_, -1); };
    const at::Tensor uniform = uniform_for(tensor, context);
    const at::Tensor rounded = by_row<T>(behind(tensor), uniform.defined() ? behind(uniform) : uniform,
                                         [&](const T* in, T* out, std::size_t n, const float* u) {
                                           round_to_blocks(in, out, n, format, tensor_scale, u);
                                         });
    return detail::empty_keeping_strides(tensor).copy_(rounded.movedim(-1, block_dim_));
  }

  std::string name_;
  NumberFormat format_;
  Rounding rounding_;
  Overflow overflow_;
  Shared shared_;
  bool symmetric_;
  std::int64_t block_dim_;
};

// Keys that the format does not read are left at their defaults.
std::optional<KindProblem> check_round(const KindSpec& spec) {
  NumberFormat format;
  try {
    format = number_format(spec.text("format"));
  } catch (const std::invalid_argument& error) {
    return KindProblem{"format", detail::one_line(error)};
  }
  const auto unread = [&](const char* key, bool given, bool read, const char* with) -> std::optional<KindProblem> {
    if (!given || read) return std::nullopt;
    return KindProblem{key,
                       std::string("expected ") + key + " only with " + with + ", got it with " + spec.text("format")};
  };
  const bool integer = std::holds_alternative<IntegerFormat>(format);
  for (const auto& problem :
       {unread("overflow", spec.text("overflow") != to_text(Overflow::kSaturate),
               std::holds_alternative<FloatFormat>(format), "a format that has exponents of its own"),
        unread("per", spec.text("per") != to_text(Shared::kTensor), integer, "int2 to int16"),
        unread("symmetric", !spec.flag("symmetric"), integer, "int2 to int16"),
        unread("block_dim", spec.integer("block_dim") != -1, std::holds_alternative<BlockFormat>(format),
               "a format of blocks")})
    if (problem) return problem;
  return std::nullopt;
}

}  // namespace

PerturbationKind round() {
  return {
      {.name = "round",
       .summary = "rounds to a number format",
       .parameters =
           {Parameter::text("format",
                            "bf16, fp16, e4m3fn, e5m2, e{E}m{M}, int2 to int16, mxfp8, mxfp6, mxfp4, "
                            "mxint8 or nvfp4 (docs/perturbations.md)"),
            Parameter::choice("rounding", texts_of<Rounding>(), "which of the two nearest is taken")
                .by_default(to_text(Rounding::kNearestEven)),
            Parameter::choice("overflow", texts_of<Overflow>(),
                              "what becomes of what is too large: the largest number, or inf (NaN without inf)")
                .by_default(to_text(Overflow::kSaturate)),
            Parameter::choice("per", texts_of<Shared>(), "integers: what shares a scale")
                .by_default(to_text(Shared::kTensor)),
            Parameter::flag("symmetric", "integers: around 0, else from the smallest to the largest").by_default(true),
            Parameter::integer("block_dim", "blocks: the dimension along which they lie").by_default(-1)},
       .check = check_round},
      [](const KindSpec& spec) { return std::make_unique<Round>(spec); }};
}

}  // namespace kinds
}  // namespace gradquake
