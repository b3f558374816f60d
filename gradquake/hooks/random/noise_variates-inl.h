// Vectors of variates for one Highway target; included once per target. Internal.
//
// A group is 256 elements: 16 rows of 16 lanes, row r and lane l at word 16*r + l of a buffer. The words pass through
// that buffer in the first-level cache because Philox and the polynomials together spill registers.
#if defined(GRADQUAKE_HOOKS_NOISE_VARIATES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADQUAKE_HOOKS_NOISE_VARIATES_INL_H
#undef GRADQUAKE_HOOKS_NOISE_VARIATES_INL_H
#else
#define GRADQUAKE_HOOKS_NOISE_VARIATES_INL_H
#endif

#include <hwy/highway.h>

#include "gradquake/hooks/random/noise_layout.h"

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace gradquake::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace layout = gradquake::noise_layout;

constexpr hn::CappedTag<std::uint32_t, layout::kLanes> du;
constexpr hn::Rebind<std::int32_t, decltype(du)> di;
constexpr hn::Rebind<float, decltype(du)> df;
constexpr hn::RepartitionToWide<decltype(du)> du64;
using VecU = hn::Vec<decltype(du)>;
using VecF = hn::Vec<decltype(df)>;
using VecU64 = hn::Vec<decltype(du64)>;
constexpr std::size_t kWidth = HWY_MAX_BYTES / 4 < layout::kLanes ? HWY_MAX_BYTES / 4 : layout::kLanes;

HWY_INLINE VecU xor3(VecU x, VecU y, VecU z) {
#if HWY_MAJOR >= 1
  return hn::Xor3(x, y, z);
#else
  return hn::Xor(x, hn::Xor(y, z));
#endif
}

// Philox4x32-10 of the counters counter + 16*b + lane, b < kBlocks; word w of block b goes to words + 64*b + 16*w.
// Blocks are interleaved, for one alone waits for its multiplications. A 32-bit word lives in the low half of a 64-bit
// lane, where MulEven reads it; even and odd counters are apart.
template <int kBlocks>
HWY_NOINLINE void philox(std::uint64_t counter, const Stream& stream, std::uint32_t* HWY_RESTRICT words) {
  const VecU m0 = hn::Set(du, 0xD2511F53u), m1 = hn::Set(du, 0xCD9E8D57u);
  VecU a[2 * kBlocks], b[2 * kBlocks], c[2 * kBlocks], d[2 * kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    const std::uint64_t start = counter + 16 * static_cast<std::uint64_t>(i);  // its low word never wraps within 16
    // Iota with a start known at run time would go through the stack.
    a[2 * i] = hn::Add(hn::Iota(du, 0), hn::Set(du, static_cast<std::uint32_t>(start)));
    a[2 * i + 1] = hn::BitCast(du, hn::ShiftRight<32>(hn::BitCast(du64, a[2 * i])));
    b[2 * i] = b[2 * i + 1] = hn::Set(du, static_cast<std::uint32_t>(start >> 32));
    c[2 * i] = c[2 * i + 1] = hn::Set(du, stream.occurrence);
    d[2 * i] = d[2 * i + 1] = hn::Set(du, stream.step);
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(stream.key), key1 = static_cast<std::uint32_t>(stream.key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const VecU k0 = hn::Set(du, key0), k1 = hn::Set(du, key1);
#pragma GCC unroll 8
    for (int i = 0; i < 2 * kBlocks; ++i) {
      const VecU64 p = hn::MulEven(a[i], m0), q = hn::MulEven(c[i], m1);
      a[i] = xor3(hn::BitCast(du, hn::ShiftRight<32>(q)), b[i], k0);
      c[i] = xor3(hn::BitCast(du, hn::ShiftRight<32>(p)), d[i], k1);
      b[i] = hn::BitCast(du, q);
      d[i] = hn::BitCast(du, p);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  const auto zip = [](VecU even, VecU odd) HWY_ATTR {
    return hn::OddEven(hn::BitCast(du, hn::ShiftLeft<32>(hn::BitCast(du64, odd))), even);
  };
  for (int i = 0; i < kBlocks; ++i) {
    hn::Store(zip(a[2 * i], a[2 * i + 1]), du, words + 64 * i);
    hn::Store(zip(b[2 * i], b[2 * i + 1]), du, words + 64 * i + 16);
    hn::Store(zip(c[2 * i], c[2 * i + 1]), du, words + 64 * i + 32);
    hn::Store(zip(d[2 * i], d[2 * i + 1]), du, words + 64 * i + 48);
  }
}

// ln(x / 2^31) for x in (0, 2^31]: the scale costs nothing in the exponent.
HWY_INLINE VecF log_of_scaled(VecF x) {
  const VecU shifted = hn::Add(hn::BitCast(du, x), hn::Set(du, layout::kOneBits - layout::kSqrtHalfBits));
  const VecF exponent = hn::ConvertTo(df, hn::Sub(hn::BitCast(di, hn::ShiftRight<23>(shifted)), hn::Set(di, 127 + 31)));
  const VecU mantissa =
      hn::Add(hn::And(shifted, hn::Set(du, layout::kMantissaMask)), hn::Set(du, layout::kSqrtHalfBits));
  const VecF m = hn::Sub(hn::BitCast(df, mantissa), hn::Set(df, 1.0f));
  VecF y = hn::Set(df, layout::kLog[0]);
#pragma GCC unroll 8
  for (std::size_t i = 1; i < layout::kLog.size(); ++i) y = hn::MulAdd(y, m, hn::Set(df, layout::kLog[i]));
  const VecF m2 = hn::Mul(m, m);
  y = hn::MulAdd(exponent, hn::Set(df, layout::kLn2Low), hn::Mul(hn::Mul(y, m), m2));
  y = hn::MulAdd(m2, hn::Set(df, -0.5f), y);
  return hn::MulAdd(exponent, hn::Set(df, layout::kLn2High), hn::Add(m, y));
}

// Box-Muller. 31 bits make the radius, 30 an angle t in [-pi/4, pi/4), one the sign of the cosine, one swaps the two:
// as uniform over the circle as a reduction to a quadrant, without computing the quadrant.
HWY_INLINE void gaussian_pair(VecU radius_word, VecU angle_word, VecF& z0, VecF& z1) {
  const VecF f = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<1>(radius_word)));
  const VecF r = hn::Sqrt(hn::Mul(hn::Set(df, -2.0f), log_of_scaled(hn::Add(f, hn::Set(df, 0.5f)))));
  const VecF t = hn::Mul(hn::ConvertTo(df, hn::BitCast(di, hn::ShiftLeft<2>(angle_word))), hn::Set(df, layout::kAngle));
  const VecF t2 = hn::Mul(t, t);
  const VecF sin_tail = hn::MulAdd(t2, hn::MulAdd(t2, hn::Set(df, layout::kSin[0]), hn::Set(df, layout::kSin[1])),
                                   hn::Set(df, layout::kSin[2]));
  const VecF sine = hn::MulAdd(hn::Mul(t, t2), sin_tail, t);
  const VecF cos_tail = hn::MulAdd(t2, hn::MulAdd(t2, hn::Set(df, layout::kCos[0]), hn::Set(df, layout::kCos[1])),
                                   hn::Set(df, layout::kCos[2]));
  const VecF cosine = hn::MulAdd(hn::Mul(t2, t2), cos_tail, hn::MulAdd(t2, hn::Set(df, -0.5f), hn::Set(df, 1.0f)));
  const VecF signed_cosine = hn::Xor(cosine, hn::BitCast(df, hn::And(angle_word, hn::Set(du, 0x80000000u))));
  const VecF swap = hn::BitCast(df, hn::ShiftLeft<1>(angle_word));
  z0 = hn::Mul(r, hn::IfNegativeThenElse(swap, sine, signed_cosine));
  z1 = hn::Mul(r, hn::IfNegativeThenElse(swap, signed_cosine, sine));
}

HWY_INLINE VecF laplace_from(VecU word) {
  const VecF f = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<1>(word)));
  const VecF log = log_of_scaled(hn::Add(f, hn::Set(df, 0.5f)));  // <= 0
  return hn::Xor(hn::Neg(log), hn::BitCast(df, hn::ShiftLeft<31>(word)));
}

// The words a group needs, kept between groups where one block serves several.
template <Variate kVariate>
class GroupWords {
 public:
  explicit HWY_INLINE GroupWords(const Stream& stream) : stream_(stream) {}

  HWY_INLINE void load(std::uint64_t group) {
    if constexpr (kVariate == Variate::kGaussian || kVariate == Variate::kUniform || kVariate == Variate::kLaplace) {
      for (std::size_t block = 0; block < layout::kGroup / 64; block += 2)
        for (std::size_t l = 0; l < layout::kLanes; l += kWidth)
          philox<2>(16 * (layout::kGroup / 64 * group + block) + l, stream_, words_ + 64 * block + l);
    } else if constexpr (kVariate == Variate::kRademacher) {
      constexpr std::uint64_t kGroups = 2048 / layout::kGroup;
      if (group / kGroups != block_) {
        block_ = group / kGroups;
        for (std::size_t l = 0; l < layout::kLanes; l += kWidth) philox<1>(16 * block_ + l, stream_, words_ + l);
      }
      shift_ = static_cast<int>(32 / kGroups * (group % kGroups));
    }
  }

  // Rows 2*pair and 2*pair + 1, lanes from `lane`.
  HWY_INLINE void variates(std::size_t pair, std::size_t lane, VecF& z0, VecF& z1) const {
    if constexpr (kVariate == Variate::kConstant) {
      z0 = z1 = hn::Set(df, 1.0f);
    } else if constexpr (kVariate == Variate::kRademacher) {
      const std::uint32_t* w = words_ + 32 * (pair % 2) + lane;
      z0 = sign_from(hn::Load(du, w), static_cast<int>(pair / 2));
      z1 = sign_from(hn::Load(du, w + 16), static_cast<int>(pair / 2));
    } else {
      const VecU w0 = hn::Load(du, words_ + 32 * pair + lane), w1 = hn::Load(du, words_ + 32 * pair + lane + 16);
      if constexpr (kVariate == Variate::kGaussian)
        gaussian_pair(w0, w1, z0, z1);
      else if constexpr (kVariate == Variate::kLaplace)
        z0 = laplace_from(w0), z1 = laplace_from(w1);
      else
        z0 = uniform_from(w0), z1 = uniform_from(w1);
    }
  }

 private:
  // 24 bits: a signed word of 32 would round up to 1.
  static HWY_INLINE VecF uniform_from(VecU word) {
    return hn::Mul(hn::ConvertTo(df, hn::ShiftRight<8>(hn::BitCast(di, word))), hn::Set(df, 0x1p-23f));
  }
  HWY_INLINE VecF sign_from(VecU word, int more) const {
    const VecU bit = hn::And(hn::ShiftLeftSame(word, shift_ + more), hn::Set(du, 0x80000000u));
    return hn::BitCast(df, hn::Or(bit, hn::Set(du, layout::kOneBits)));
  }

  HWY_ALIGN std::uint32_t words_[layout::kGroup];
  Stream stream_;  // a copy: what is stored to might alias the caller's
  std::uint64_t block_ = ~std::uint64_t{0};
  int shift_ = 0;
};

}  // namespace gradquake::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
