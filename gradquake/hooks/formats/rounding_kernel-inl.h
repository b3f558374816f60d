// The passes of rounding.h for one Highway target; included once per target. Internal.
#if defined(GRADQUAKE_HOOKS_ROUNDING_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADQUAKE_HOOKS_ROUNDING_KERNEL_INL_H
#undef GRADQUAKE_HOOKS_ROUNDING_KERNEL_INL_H
#else
#define GRADQUAKE_HOOKS_ROUNDING_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "gradquake/hooks/formats/rounding_passes.h"

HWY_BEFORE_NAMESPACE();
namespace gradquake::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template <class T>
constexpr hn::ScalableTag<T> kTag{};
template <class T>
using VecOf = hn::Vec<hn::ScalableTag<T>>;
template <class T>
constexpr int kMantissa = std::numeric_limits<T>::digits - 1;

template <class T>
HWY_INLINE VecOf<T> load_uniform(const float* from) {
  if constexpr (sizeof(T) == 4) {
    return hn::LoadU(kTag<float>, from);
  } else {
    constexpr hn::Rebind<float, hn::ScalableTag<double>> narrow;
    return hn::PromoteTo(kTag<double>, hn::LoadU(narrow, from));
  }
}

// One vector in, one vector out.
template <class T, bool kStochastic>
class ToFloat {
 public:
  HWY_INLINE ToFloat(const FloatFormat& format, Overflow overflow)
      : shift_(kMantissa<T> - format.mantissa_bits),
        largest_(static_cast<T>(format.largest)),
        beyond_(overflow == Overflow::kSaturate ? largest_
                : format.has_infinity           ? std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::quiet_NaN()) {
    // Where the format's subnormals are those of T, its bits round like any others.
    if (format.lowest_exponent == std::numeric_limits<T>::min_exponent - 1) return;
    const int quantum = format.lowest_exponent - format.mantissa_bits;
    smallest_normal_ = std::ldexp(T{1}, format.lowest_exponent);
    quantum_ = std::ldexp(T{1}, quantum);
    per_quantum_ = std::ldexp(T{1}, -quantum);
    magic_ = std::ldexp(T{1}, kMantissa<T> + quantum);
  }

  HWY_INLINE VecOf<T> operator()(VecOf<T> x, VecOf<T> u) const {
    constexpr hn::ScalableTag<Bits<T>> du;
    const auto sign = hn::And(x, hn::SignBit(kTag<T>));
    const auto magnitude = hn::Xor(x, sign);
    const auto bits = hn::BitCast(du, magnitude);
    const auto below = hn::Set(du, (Bits<T>{1} << shift_) - 1);

    auto up = below;
    if constexpr (kStochastic)
      up = hn::And(random_bits(u), below);
    else  // half, less one where that would take a tie from an even number
      up = hn::Add(hn::Set(du, (Bits<T>{1} << (shift_ - 1)) - 1),
                   hn::And(hn::ShiftRightSame(bits, shift_), hn::Set(du, Bits<T>{1})));
    const auto normal = hn::BitCast(kTag<T>, hn::AndNot(below, hn::Add(bits, up)));

    auto subnormal = magnitude;
    if constexpr (kStochastic) {
      const auto steps = hn::Mul(magnitude, hn::Set(kTag<T>, per_quantum_));
      const auto whole = hn::Floor(steps);
      const auto one = hn::IfThenElseZero(hn::Lt(u, hn::Sub(steps, whole)), hn::Set(kTag<T>, T{1}));
      subnormal = hn::Mul(hn::Add(whole, one), hn::Set(kTag<T>, quantum_));
    } else {  // the sum has the quantum for its last place
      subnormal = hn::Sub(hn::Add(magnitude, hn::Set(kTag<T>, magic_)), hn::Set(kTag<T>, magic_));
    }

    auto rounded = hn::IfThenElse(hn::Lt(magnitude, hn::Set(kTag<T>, smallest_normal_)), subnormal, normal);
    rounded = hn::IfThenElse(hn::Gt(rounded, hn::Set(kTag<T>, largest_)), hn::Set(kTag<T>, beyond_), rounded);
    return hn::IfThenElse(hn::Eq(x, x), hn::Or(rounded, sign), x);
  }

 private:
  // The 24 bits of u, as the topmost of those below the last place.
  HWY_INLINE auto random_bits(VecOf<T> u) const {
    const auto word = integer_of(hn::Mul(u, hn::Set(kTag<T>, T(1 << 24))));
    return shift_ >= 24 ? hn::ShiftLeftSame(word, shift_ - 24) : hn::ShiftRightSame(word, 24 - shift_);
  }
  static HWY_INLINE auto integer_of(VecOf<T> x) {  // of 0 <= x < 2^24
    constexpr hn::ScalableTag<Bits<T>> du;
    if constexpr (sizeof(T) == 4)
      return hn::BitCast(du, hn::ConvertTo(hn::ScalableTag<std::int32_t>(), x));
    else  // added to 2^52 it stands in the lowest bits
      return hn::And(hn::BitCast(du, hn::Add(x, hn::Set(kTag<T>, T(0x1p52)))), hn::Set(du, Bits<T>{(1 << 24) - 1}));
  }

  int shift_;
  T largest_, beyond_;
  T smallest_normal_ = 0, quantum_ = 0, per_quantum_ = 0, magic_ = 0;
};

template <class T, bool kStochastic>
class ToGrid {
 public:
  explicit HWY_INLINE ToGrid(const IntegerGrid<T>& grid) : grid_(grid) {}

  HWY_INLINE VecOf<T> operator()(VecOf<T> x, VecOf<T> u) const {
    const auto zero = hn::Set(kTag<T>, grid_.zero), step = hn::Set(kTag<T>, grid_.step);
    auto code = hn::Div(x, step);
    if constexpr (kStochastic) {  // upwards is away from 0, as for floats
      const auto sign = hn::And(code, hn::SignBit(kTag<T>));
      const auto magnitude = hn::Xor(code, sign);
      const auto whole = hn::Floor(magnitude);
      const auto one = hn::IfThenElseZero(hn::Lt(u, hn::Sub(magnitude, whole)), hn::Set(kTag<T>, T{1}));
      code = hn::Or(hn::Add(whole, one), sign);
    } else {
      code = hn::Round(code);
    }
    code = hn::Min(hn::Max(hn::Add(code, zero), hn::Set(kTag<T>, grid_.lowest)), hn::Set(kTag<T>, grid_.highest));
    const auto rounded = hn::Mul(hn::Sub(code, zero), step);
    const auto sign = hn::And(x, hn::SignBit(kTag<T>));
    const auto is_zero = hn::Eq(rounded, hn::Zero(kTag<T>));
    return hn::IfThenElse(hn::Eq(x, x), hn::IfThenElse(is_zero, sign, rounded), x);
  }

 private:
  IntegerGrid<T> grid_;
};

// out = rounder(in * before) * behind; what does not fill a vector goes through a buffer.
template <bool kStochastic, class T, class Rounder>
HWY_INLINE void map(const T* in, T* out, std::size_t n, const Rounder& rounder, T before, T behind,
                    const float* uniform) {
  const std::size_t width = hn::Lanes(kTag<T>);
  const auto b = hn::Set(kTag<T>, before), c = hn::Set(kTag<T>, behind);
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    const auto u = kStochastic ? load_uniform<T>(uniform + i) : hn::Zero(kTag<T>);
    hn::StoreU(hn::Mul(rounder(hn::Mul(hn::LoadU(kTag<T>, in + i), b), u), c), kTag<T>, out + i);
  }
  if (i == n) return;
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  HWY_ALIGN float u_buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(buffer, in + i, (n - i) * sizeof(T));
  if (kStochastic) std::memcpy(u_buffer, uniform + i, (n - i) * sizeof(float));
  const auto u = kStochastic ? load_uniform<T>(u_buffer) : hn::Zero(kTag<T>);
  hn::Store(hn::Mul(rounder(hn::Mul(hn::Load(kTag<T>, buffer), b), u), c), kTag<T>, buffer);
  std::memcpy(out + i, buffer, (n - i) * sizeof(T));
}

template <class T>
HWY_NOINLINE void to_float(const T* in, T* out, std::size_t n, const FloatFormat& format, Overflow overflow,
                           const float* uniform) {
  if (uniform == nullptr)
    map<false>(in, out, n, ToFloat<T, false>(format, overflow), T{1}, T{1}, uniform);
  else
    map<true>(in, out, n, ToFloat<T, true>(format, overflow), T{1}, T{1}, uniform);
}

template <class T>
HWY_NOINLINE void to_grid(const T* in, T* out, std::size_t n, const IntegerGrid<T>& grid, const float* uniform) {
  if (uniform == nullptr)
    map<false>(in, out, n, ToGrid<T, false>(grid), T{1}, T{1}, uniform);
  else
    map<true>(in, out, n, ToGrid<T, true>(grid), T{1}, T{1}, uniform);
}

template <class T>
HWY_NOINLINE Extent<T> extent(const T* in, std::size_t n) {
  const std::size_t width = hn::Lanes(kTag<T>);
  constexpr T kHuge = std::numeric_limits<T>::max();
  HWY_ALIGN T least[HWY_MAX_BYTES / sizeof(T)], most[HWY_MAX_BYTES / sizeof(T)];
  auto low = hn::Set(kTag<T>, kHuge), high = hn::Set(kTag<T>, -kHuge);
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    const auto x = hn::LoadU(kTag<T>, in + i);
    const auto finite = hn::Le(hn::Abs(x), hn::Set(kTag<T>, kHuge));
    low = hn::Min(low, hn::IfThenElse(finite, x, low));
    high = hn::Max(high, hn::IfThenElse(finite, x, high));
  }
  hn::Store(low, kTag<T>, least);
  hn::Store(high, kTag<T>, most);
  Extent<T> all{least[0], most[0]};
  const auto take = [&all](T smaller, T larger) {
    if (smaller < all.lowest) all.lowest = smaller;
    if (larger > all.highest) all.highest = larger;
  };
  for (std::size_t l = 1; l < width; ++l) take(least[l], most[l]);
  for (; i < n; ++i)
    if (std::fabs(in[i]) <= kHuge) take(in[i], in[i]);
  return all.lowest > all.highest ? Extent<T>{} : all;
}

template <class T>
HWY_INLINE T largest_magnitude(const T* in, std::size_t n) {
  constexpr T kHuge = std::numeric_limits<T>::max();
  const std::size_t width = hn::Lanes(kTag<T>);
  auto most = hn::Zero(kTag<T>);
  std::size_t i = 0;
  for (; i + width <= n; i += width) {
    const auto x = hn::Abs(hn::LoadU(kTag<T>, in + i));
    most = hn::Max(most, hn::IfThenElseZero(hn::Le(x, hn::Set(kTag<T>, kHuge)), x));
  }
#if HWY_MAJOR >= 1
  T largest = hn::GetLane(hn::MaxOfLanes(kTag<T>, most));
#else
  T largest = hn::GetLane(hn::MaxOfLanes(most));
#endif
  for (; i < n; ++i) {
    const T x = std::fabs(in[i]);
    if (x <= kHuge && x > largest) largest = x;
  }
  return largest;
}

template <class T>
HWY_INLINE int floor_log2(T x) {  // of a positive number
  const auto bits = std::bit_cast<Bits<T>>(x);
  const int exponent = static_cast<int>(bits >> kMantissa<T>);
  return exponent == 0 ? std::ilogb(x) : exponent - (std::numeric_limits<T>::max_exponent - 1);
}

template <bool kStochastic, class T, class Rounder>
HWY_INLINE void to_blocks(const T* in, T* out, std::size_t n, const BlockFormat& format, T tensor_scale,
                          const Rounder& element, const float* uniform) {
  const ToFloat<T, false> to_scale(format.scale.value_or(FloatFormat{}), Overflow::kSaturate);
  const auto block = static_cast<std::size_t>(format.block);
  const int topmost = format.integer ? 0 : format.element.highest_exponent;
  constexpr int kLeastScale = -127;  // as an exponent
  for (std::size_t i = 0; i < n; i += block) {
    const std::size_t count = HWY_MIN(block, n - i);
    const T largest = largest_magnitude(in + i, count);
    T scale = 0;
    if (format.scale) {
      const T wanted = tensor_scale == 0 ? T{0} : largest / static_cast<T>(format.element.largest) / tensor_scale;
      scale = tensor_scale * hn::GetLane(to_scale(hn::Set(kTag<T>, wanted), hn::Zero(kTag<T>)));
    } else {
      const int exponent = largest == 0 ? kLeastScale : floor_log2(largest) - topmost;
      scale = std::ldexp(T{1}, HWY_MAX(kLeastScale, HWY_MIN(exponent, -kLeastScale)));
    }
    const T inverse = scale >= std::numeric_limits<T>::min() / 2 ? T{1} / scale : T{0};  // 0: only zeros come out
    map<kStochastic>(in + i, out + i, count, element, inverse, scale, uniform == nullptr ? nullptr : uniform + i);
  }
}

template <class T>
HWY_NOINLINE void to_blocks(const T* in, T* out, std::size_t n, const BlockFormat& format, T tensor_scale,
                            const float* uniform) {
  const IntegerGrid<T> grid{T{1} / 64, 0, -127, 127};
  if (uniform == nullptr) {
    if (format.integer)
      to_blocks<false>(in, out, n, format, tensor_scale, ToGrid<T, false>(grid), uniform);
    else
      to_blocks<false>(in, out, n, format, tensor_scale, ToFloat<T, false>(format.element, Overflow::kSaturate),
                       uniform);
  } else {
    if (format.integer)
      to_blocks<true>(in, out, n, format, tensor_scale, ToGrid<T, true>(grid), uniform);
    else
      to_blocks<true>(in, out, n, format, tensor_scale, ToFloat<T, true>(format.element, Overflow::kSaturate), uniform);
  }
}

template <class T>
constexpr RoundingPasses<T> kPasses = {to_float<T>, to_grid<T>, to_blocks<T>, extent<T>};

}  // namespace gradquake::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
