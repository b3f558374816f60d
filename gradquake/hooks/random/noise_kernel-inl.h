// The pass of noise.h over a tensor for one Highway target; included once per target. Internal.
#if defined(GRADQUAKE_HOOKS_NOISE_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADQUAKE_HOOKS_NOISE_KERNEL_INL_H
#undef GRADQUAKE_HOOKS_NOISE_KERNEL_INL_H
#else
#define GRADQUAKE_HOOKS_NOISE_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <cstring>

#include "gradquake/hooks/random/noise_variates-inl.h"

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace gradquake::HWY_NAMESPACE {

using layout::kGroup;
using layout::kLanes;

constexpr hn::Repartition<double, decltype(df)> dd;
constexpr hn::Half<decltype(df)> df_half;
using VecD = hn::Vec<decltype(dd)>;
constexpr std::size_t kWidthD = kWidth / 2;

// One lane sum for each of the 16 lanes, in the tensor's type, in registers.
template <class T>
struct Squares;

template <>
struct Squares<float> {
  VecF lanes[kLanes / kWidth];

  HWY_INLINE Squares() {
    for (VecF& lane : lanes) lane = hn::Zero(df);
  }
  HWY_INLINE void fill(float value) {
    for (VecF& lane : lanes) lane = hn::Set(df, value);
  }
  HWY_INLINE void add(VecF x, std::size_t lane) { lanes[lane / kWidth] = hn::MulAdd(x, x, lanes[lane / kWidth]); }
  HWY_INLINE bool in_range() const {
    auto below = hn::Le(lanes[0], hn::Set(df, layout::kLargest));
    auto above = hn::Ge(lanes[0], hn::Set(df, layout::kSmallest));
    if constexpr (kLanes > kWidth) {
      below = hn::And(below, hn::Le(lanes[kLanes / kWidth - 1], hn::Set(df, layout::kLargest)));
      above = hn::Or(above, hn::Ge(lanes[kLanes / kWidth - 1], hn::Set(df, layout::kSmallest)));
    }
    return hn::AllTrue(df, below) && !hn::AllFalse(df, above);
  }
  HWY_INLINE void flush(double* HWY_RESTRICT sums) const {
    for (std::size_t l = 0; l < kLanes; l += kWidth) {
      const VecD low = hn::PromoteTo(dd, hn::LowerHalf(df_half, lanes[l / kWidth]));
      const VecD high = hn::PromoteTo(dd, hn::UpperHalf(df_half, lanes[l / kWidth]));
      hn::Store(hn::Add(hn::Load(dd, sums + l), low), dd, sums + l);
      hn::Store(hn::Add(hn::Load(dd, sums + l + kWidthD), high), dd, sums + l + kWidthD);
    }
  }
};

template <>
struct Squares<double> {
  VecD lanes[kLanes / kWidthD];

  HWY_INLINE Squares() {
    for (VecD& lane : lanes) lane = hn::Zero(dd);
  }
  HWY_INLINE void fill(double value) {
    for (VecD& lane : lanes) lane = hn::Set(dd, value);
  }
  HWY_INLINE void add(VecD x, std::size_t lane) { lanes[lane / kWidthD] = hn::MulAdd(x, x, lanes[lane / kWidthD]); }
  HWY_INLINE void flush(double* HWY_RESTRICT sums) const {
    for (std::size_t l = 0; l < kLanes; l += kWidthD)
      hn::Store(hn::Add(hn::Load(dd, sums + l), lanes[l / kWidthD]), dd, sums + l);
  }
};

HWY_INLINE void add_squares(const double* HWY_RESTRICT group, double* HWY_RESTRICT sums) {
  Squares<double> squares;
#pragma GCC unroll 16
  for (std::size_t row = 0; row < kGroup; row += kLanes)
    for (std::size_t l = 0; l < kLanes; l += kWidthD) squares.add(hn::LoadU(dd, group + row + l), l);
  squares.flush(sums);
}

HWY_NOINLINE void add_squares_in_double(const float* HWY_RESTRICT group, double* HWY_RESTRICT sums) {
  Squares<double> squares;
  for (std::size_t row = 0; row < kGroup; row += kLanes) {
    for (std::size_t l = 0; l < kLanes; l += kWidth) {
      const VecF x = hn::LoadU(df, group + row + l);
      squares.add(hn::PromoteTo(dd, hn::LowerHalf(df_half, x)), l);
      squares.add(hn::PromoteTo(dd, hn::UpperHalf(df_half, x)), l + kWidthD);
    }
  }
  squares.flush(sums);
}

HWY_INLINE void add_squares(const float* HWY_RESTRICT group, double* HWY_RESTRICT sums) {
  Squares<float> squares;
#pragma GCC unroll 16
  for (std::size_t row = 0; row < kGroup; row += kLanes)
    for (std::size_t l = 0; l < kLanes; l += kWidth) squares.add(hn::LoadU(df, group + row + l), l);
  if (HWY_LIKELY(squares.in_range()))
    squares.flush(sums);
  else
    add_squares_in_double(group, sums);
}

// out = in + (mean + scale*z) for one vector of z, at lane `lane` of a row; squares of unit.mean + unit.scale*z.
template <bool kBiased, bool kMeasured>
HWY_INLINE void add_row(VecF z, const float* in, float* out, float mean, float scale, const layout::Unit<float>& unit,
                        std::size_t lane, Squares<float>& added) {
  const VecF before = hn::LoadU(df, in), vscale = hn::Set(df, scale);
  if constexpr (kBiased) {
    hn::StoreU(hn::Add(before, hn::MulAdd(z, vscale, hn::Set(df, mean))), df, out);
    if constexpr (kMeasured) added.add(hn::MulAdd(z, hn::Set(df, unit.scale), hn::Set(df, unit.mean)), lane);
  } else {
    hn::StoreU(hn::MulAdd(z, vscale, before), df, out);
    if constexpr (kMeasured) added.add(z, lane);
  }
}

template <bool kBiased, bool kMeasured>
HWY_INLINE void add_half_row(VecD z, const double* in, double* out, double mean, double scale,
                             const layout::Unit<double>& unit, std::size_t lane, Squares<double>& added) {
  const VecD before = hn::LoadU(dd, in), vscale = hn::Set(dd, scale);
  if constexpr (kBiased) {
    hn::StoreU(hn::Add(before, hn::MulAdd(z, vscale, hn::Set(dd, mean))), dd, out);
    if constexpr (kMeasured) added.add(hn::MulAdd(z, hn::Set(dd, unit.scale), hn::Set(dd, unit.mean)), lane);
  } else {
    hn::StoreU(hn::MulAdd(z, vscale, before), dd, out);
    if constexpr (kMeasured) added.add(z, lane);
  }
}

template <bool kBiased, bool kMeasured>
HWY_INLINE void add_row(VecF z, const double* in, double* out, double mean, double scale,
                        const layout::Unit<double>& unit, std::size_t lane, Squares<double>& added) {
  add_half_row<kBiased, kMeasured>(hn::PromoteTo(dd, hn::LowerHalf(df_half, z)), in, out, mean, scale, unit, lane,
                                   added);
  add_half_row<kBiased, kMeasured>(hn::PromoteTo(dd, hn::UpperHalf(df_half, z)), in + kWidthD, out + kWidthD, mean,
                                   scale, unit, lane + kWidthD, added);
}

template <Variate kVariate, bool kBiased, bool kMeasured, class T>
HWY_INLINE void add_group(const GroupWords<kVariate>& words, const T* in, T* out, T mean, T scale,
                          const layout::Unit<T>& unit, double* HWY_RESTRICT sums) {
  constexpr bool kUnitSize = !kBiased && (kVariate == Variate::kRademacher || kVariate == Variate::kConstant);
  Squares<T> added;
#pragma GCC unroll 8
  for (std::size_t pair = 0; pair < kGroup / 32; ++pair) {
#pragma GCC unroll 2
    for (std::size_t l = 0; l < kLanes; l += kWidth) {
      VecF z0, z1;
      words.variates(pair, l, z0, z1);
      const std::size_t i = 2 * kLanes * pair + l;
      add_row<kBiased, kMeasured && !kUnitSize>(z0, in + i, out + i, mean, scale, unit, l, added);
      add_row<kBiased, kMeasured && !kUnitSize>(z1, in + i + kLanes, out + i + kLanes, mean, scale, unit, l, added);
    }
  }
  if constexpr (kMeasured && kUnitSize) added.fill(static_cast<T>(kGroup / kLanes));
  if constexpr (kMeasured) added.flush(sums);
}

struct Sums {
  layout::ChunkSums chunk;
  AddedNorms norms;
};

// A group of which only elements [skip, skip + count) are there, or whose change is yet to be seen: through buffers.
template <Variate kVariate, bool kBiased, class T>
HWY_NOINLINE void add_group_by_buffer(const GroupWords<kVariate>& words, const T* in, T* out, std::size_t skip,
                                      std::size_t count, T mean, T scale, const layout::Unit<T>& unit, Sums* sums) {
  HWY_ALIGN T before[kGroup] = {};
  HWY_ALIGN T after[kGroup];
  std::memcpy(before + skip, in, count * sizeof(T));
  add_group<kVariate, kBiased, false>(words, before, after, mean, scale, unit, nullptr);
  std::memcpy(out, after + skip, count * sizeof(T));
  if (sums == nullptr) return;
  for (std::size_t i = skip; i < skip + count && !sums->norms.changed; ++i) sums->norms.changed = after[i] != before[i];
  add_squares(before, sums->chunk.input.data());

  HWY_ALIGN T nothing[kGroup] = {};
  add_group<kVariate, kBiased, false>(words, nothing, after, unit.mean, unit.scale, unit, nullptr);
  for (std::size_t i = 0; i < kGroup; ++i) after[i] = i < skip || i >= skip + count ? T{0} : after[i];
  Squares<T> added;
  constexpr std::size_t kStep = sizeof(T) == 4 ? kWidth : kWidthD;
  constexpr hn::CappedTag<T, kLanes> d;
  for (std::size_t i = 0; i < kGroup; i += kStep) added.add(hn::Load(d, after + i), i % kLanes);
  added.flush(sums->chunk.added.data());
}

template <Variate kVariate, bool kBiased, bool kMeasured, class T>
AddedNorms run(const T* in, T* out, std::size_t n, T mean, T scale, const Stream& stream, std::uint64_t first) {
  const layout::Unit<T> unit = layout::unit_of(mean, scale);
  GroupWords<kVariate> words(stream);
  Sums sums{};
  std::uint64_t group = first / kGroup;
  std::size_t skip = first % kGroup;
  while (n != 0) {
    const std::size_t count = HWY_MIN(n, kGroup - skip);
    words.load(group);
    if (HWY_LIKELY(count == kGroup && (!kMeasured || sums.norms.changed))) {
      if constexpr (kMeasured) add_squares(in, sums.chunk.input.data());
      add_group<kVariate, kBiased, kMeasured>(words, in, out, mean, scale, unit, sums.chunk.added.data());
    } else {
      add_group_by_buffer<kVariate, kBiased>(words, in, out, skip, count, mean, scale, unit,
                                             kMeasured ? &sums : nullptr);
    }
    in += count, out += count, n -= count, skip = 0, ++group;
    if constexpr (kMeasured) {
      if (n == 0 || group % (kNoiseChunk / kGroup) == 0) sums.chunk.close(unit.size, sums.norms);
    }
  }
  return sums.norms;
}

template <Variate kVariate, class T>
AddedNorms run(bool measured, const T* in, T* out, std::size_t n, T mean, T scale, const Stream& stream,
               std::uint64_t first) {
  const auto chosen = mean == 0 ? (measured ? run<kVariate, false, true, T> : run<kVariate, false, false, T>)
                                : (measured ? run<kVariate, true, true, T> : run<kVariate, true, false, T>);
  return chosen(in, out, n, mean, scale, stream, first);
}

template <class T>
AddedNorms run(Variate variate, bool measured, const T* in, T* out, std::size_t n, T mean, T scale,
               const Stream& stream, std::uint64_t first) {
  switch (variate) {
    case Variate::kGaussian:
      return run<Variate::kGaussian>(measured, in, out, n, mean, scale, stream, first);
    case Variate::kUniform:
      return run<Variate::kUniform>(measured, in, out, n, mean, scale, stream, first);
    case Variate::kRademacher:
      return run<Variate::kRademacher>(measured, in, out, n, mean, scale, stream, first);
    case Variate::kLaplace:
      return run<Variate::kLaplace>(measured, in, out, n, mean, scale, stream, first);
    case Variate::kConstant:
      break;
  }
  return run<Variate::kConstant>(measured, in, out, n, mean, scale, stream, first);
}

}  // namespace gradquake::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
