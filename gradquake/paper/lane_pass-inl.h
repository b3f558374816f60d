// lane_pass.h for one Highway target; included once per target. Internal.
#if defined(GRADQUAKE_PAPER_LANE_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADQUAKE_PAPER_LANE_PASS_INL_H
#undef GRADQUAKE_PAPER_LANE_PASS_INL_H
#else
#define GRADQUAKE_PAPER_LANE_PASS_INL_H
#endif

#include <hwy/highway.h>

#include "gradquake/paper/lane_pass.h"

HWY_BEFORE_NAMESPACE();
// NOLINTBEGIN(misc-definitions-in-headers): included once a set of instructions, each a namespace of its own.
namespace gradquake::paper::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::CappedTag<double, kLanes> dd;
constexpr hn::RebindToSigned<decltype(dd)> di;
using Vec = hn::Vec<decltype(dd)>;
constexpr std::size_t kWidth = HWY_MAX_BYTES / sizeof(double) < kLanes ? HWY_MAX_BYTES / sizeof(double) : kLanes;

// Activations arrive in units of ln 2, so that e^-x is 2^-t of an exact split t = n + r, |r| <= 1/2.
constexpr double kLog2E = 1.44269504088896340736;
constexpr double kLargest = 200;     // the product of four 1 + 2^t stays finite, a shift included
constexpr double kRound = 0x1.8p52;  // adding it rounds to an integer in the low bits
constexpr double kMinusLn2 = -0x1.62e42fefa39efp-1;
// (2^-r - 1 + r ln 2) / r^2 at Chebyshev's nodes, highest power first.
constexpr double kPower[] = {-0x1.e9bbe001e2191p-32, 0x1.e5e9f82e9f93bp-28,  -0x1.b525087767a42p-24,
                             0x1.62bfe45fd2c33p-20,  -0x1.ffcbfc61f73e9p-17, 0x1.43091303789cep-13,
                             -0x1.5d87fe78a5dc5p-10, 0x1.3b2ab6fba385ep-7,   -0x1.c6b08d704a0c0p-5,
                             0x1.ebfbdff82c590p-3};

// 2^-t of kCount vectors, step by step side by side: one after the other they would fill the processor's window with
// additions that wait for each other.
template <std::size_t kCount>
HWY_INLINE void powers_of_half(Vec (&t)[kCount]) {
  Vec rounded[kCount], q[kCount];
#define GRADQUAKE_EACH_VECTOR _Pragma("GCC unroll 8") for (std::size_t k = 0; k < kCount; ++k)
  GRADQUAKE_EACH_VECTOR t[k] = hn::Max(hn::Min(t[k], hn::Set(dd, kLargest)), hn::Set(dd, -kLargest));
  GRADQUAKE_EACH_VECTOR rounded[k] = hn::Add(t[k], hn::Set(dd, kRound));
  GRADQUAKE_EACH_VECTOR t[k] = hn::Sub(t[k], hn::Sub(rounded[k], hn::Set(dd, kRound)));
  GRADQUAKE_EACH_VECTOR q[k] = hn::Set(dd, kPower[0]);
#pragma GCC unroll 16
  for (std::size_t i = 1; i < sizeof(kPower) / sizeof(double); ++i)
    GRADQUAKE_EACH_VECTOR q[k] = hn::MulAdd(q[k], t[k], hn::Set(dd, kPower[i]));
  GRADQUAKE_EACH_VECTOR q[k] = hn::MulAdd(q[k], t[k], hn::Set(dd, kMinusLn2));
  GRADQUAKE_EACH_VECTOR q[k] = hn::MulAdd(q[k], t[k], hn::Set(dd, 1.0));
  GRADQUAKE_EACH_VECTOR t[k] =
      hn::BitCast(dd, hn::Sub(hn::BitCast(di, q[k]), hn::ShiftLeft<52>(hn::BitCast(di, rounded[k]))));
#undef GRADQUAKE_EACH_VECTOR
}

// x_l of one block: eight samples at a time, so that eight chains of additions overlap.
HWY_INLINE void activations(const double* HWY_RESTRICT rows, std::size_t features, const double* HWY_RESTRICT weights,
                            double* HWY_RESTRICT x) {
  for (std::size_t l = 0; l < kBlock; l += 8) {
    const double* HWY_RESTRICT row = rows + l * features;
    Vec sum[8];
    for (Vec& s : sum) s = hn::Zero(dd);
    for (std::size_t j = 0; j < features; ++j) {
      const Vec w = hn::Load(dd, weights + j * kLanes);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < 8; ++k) sum[k] = hn::MulAdd(hn::Set(dd, row[k * features + j]), w, sum[k]);
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < 8; ++k) hn::Store(sum[k], dd, x + (l + k) * kWidth);
  }
}

// Four sigmoids at the price of one division: 1/a = (bcd) / (abcd).
HWY_INLINE void reciprocals(Vec a, Vec b, Vec c, Vec d, double* HWY_RESTRICT out_a, double* HWY_RESTRICT out_b,
                            double* HWY_RESTRICT out_c, double* HWY_RESTRICT out_d) {
  const Vec ab = hn::Mul(a, b), cd = hn::Mul(c, d);
  const Vec inverse = hn::Div(hn::Set(dd, 1.0), hn::Mul(ab, cd));
  const Vec of_ab = hn::Mul(inverse, cd), of_cd = hn::Mul(inverse, ab);
  hn::Store(hn::Mul(of_ab, b), dd, out_a);
  hn::Store(hn::Mul(of_ab, a), dd, out_b);
  hn::Store(hn::Mul(of_cd, d), dd, out_c);
  hn::Store(hn::Mul(of_cd, c), dd, out_d);
}

// sigma(x) in place.
HWY_INLINE void sigmoids(double* HWY_RESTRICT x) {
  const Vec one = hn::Set(dd, 1.0);
#pragma GCC unroll 1
  for (std::size_t l = 0; l < kBlock; l += 4) {
    double* const out = x + l * kWidth;
    Vec e[4] = {hn::Load(dd, out), hn::Load(dd, out + kWidth), hn::Load(dd, out + 2 * kWidth),
                hn::Load(dd, out + 3 * kWidth)};
    powers_of_half(e);
    reciprocals(hn::Add(e[0], one), hn::Add(e[1], one), hn::Add(e[2], one), hn::Add(e[3], one), out, out + kWidth,
                out + 2 * kWidth, out + 3 * kWidth);
  }
}

// sigma(x) in place, and sigma(x + delta) with one delta for all samples: e^-(x + delta) = e^-x e^-delta.
HWY_INLINE void sigmoids_of_common(double* HWY_RESTRICT x, Vec factor, double* HWY_RESTRICT shifted) {
  const Vec one = hn::Set(dd, 1.0);
#pragma GCC unroll 1
  for (std::size_t l = 0; l < kBlock; l += 4) {
    double* const out = x + l * kWidth;
    double* const moved = shifted + l * kWidth;
    Vec e[4] = {hn::Load(dd, out), hn::Load(dd, out + kWidth), hn::Load(dd, out + 2 * kWidth),
                hn::Load(dd, out + 3 * kWidth)};
    powers_of_half(e);
    reciprocals(hn::Add(e[0], one), hn::MulAdd(e[0], factor, one), hn::Add(e[1], one), hn::MulAdd(e[1], factor, one),
                out, moved, out + kWidth, moved + kWidth);
    reciprocals(hn::Add(e[2], one), hn::MulAdd(e[2], factor, one), hn::Add(e[3], one), hn::MulAdd(e[3], factor, one),
                out + 2 * kWidth, moved + 2 * kWidth, out + 3 * kWidth, moved + 3 * kWidth);
  }
}

// The same with a delta for each sample.
HWY_INLINE void sigmoids_of_each(double* HWY_RESTRICT x, const double* HWY_RESTRICT draws, Vec half_width, Vec mean,
                                 double* HWY_RESTRICT shifted) {
  const Vec one = hn::Set(dd, 1.0);
#pragma GCC unroll 1
  for (std::size_t l = 0; l < kBlock; l += 2) {
    double* const out = x + l * kWidth;
    double* const moved = shifted + l * kWidth;
    const Vec x0 = hn::Load(dd, out), x1 = hn::Load(dd, out + kWidth);
    Vec e[4] = {x0, hn::Add(x0, hn::MulAdd(hn::Set(dd, draws[l]), half_width, mean)), x1,
                hn::Add(x1, hn::MulAdd(hn::Set(dd, draws[l + 1]), half_width, mean))};
    powers_of_half(e);
    reciprocals(hn::Add(e[0], one), hn::Add(e[1], one), hn::Add(e[2], one), hn::Add(e[3], one), out, moved,
                out + kWidth, moved + kWidth);
  }
}

// sums[j] += sum_l a_lj s_l over one block, for kCount features.
template <std::size_t kCount>
HWY_INLINE void add_products(const double* HWY_RESTRICT rows, std::size_t features, const double* HWY_RESTRICT s,
                             double* HWY_RESTRICT sums) {
  Vec sum[kCount];
#pragma GCC unroll 10
  for (std::size_t j = 0; j < kCount; ++j) sum[j] = hn::Load(dd, sums + j * kLanes);
#pragma GCC unroll 2
  for (std::size_t l = 0; l < kBlock; ++l) {
    const Vec v = hn::Load(dd, s + l * kWidth);
#pragma GCC unroll 10
    for (std::size_t j = 0; j < kCount; ++j) sum[j] = hn::MulAdd(hn::Set(dd, rows[l * features + j]), v, sum[j]);
  }
#pragma GCC unroll 10
  for (std::size_t j = 0; j < kCount; ++j) hn::Store(sum[j], dd, sums + j * kLanes);
}

HWY_INLINE void add_products(const double* HWY_RESTRICT rows, std::size_t features, const double* HWY_RESTRICT s,
                             double* HWY_RESTRICT sums) {
  std::size_t j = 0;
  for (; j + 10 <= features; j += 10) add_products<10>(rows + j, features, s, sums + j * kLanes);
  for (; j < features; ++j) add_products<1>(rows + j, features, s, sums + j * kLanes);
}

void run(const LaneMatrix& data, const double* HWY_RESTRICT weights, const LaneShift* delta, double* HWY_RESTRICT clean,
         double* HWY_RESTRICT shifted) {
  HWY_ALIGN double x[kBlock * kWidth];
  HWY_ALIGN double perturbed[kBlock * kWidth];
  HWY_ALIGN double scaled[kMostFeatures * kLanes];
  const Vec log2e = hn::Set(dd, kLog2E);
  for (std::size_t i = 0; i < data.features * kLanes; i += kWidth) {
    hn::Store(hn::Mul(hn::Load(dd, weights + i), log2e), dd, scaled + i);
    hn::Store(hn::Zero(dd), dd, clean + i);
    if (delta) hn::Store(hn::Zero(dd), dd, shifted + i);
  }
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    Vec half_width = hn::Zero(dd), mean = hn::Zero(dd), factor = hn::Zero(dd);
    if (delta) {
      half_width = hn::Mul(hn::LoadU(dd, delta->half_width + lane), log2e);
      mean = hn::Mul(hn::LoadU(dd, delta->mean + lane), log2e);
      if (!delta->per_sample) {
        Vec one_factor[1] = {hn::MulAdd(hn::Set(dd, delta->draws[0]), half_width, mean)};
        powers_of_half(one_factor);
        factor = one_factor[0];
      }
    }
    for (std::size_t l = 0; l < data.samples; l += kBlock) {
      const double* HWY_RESTRICT rows = data.rows + l * data.features;
      activations(rows, data.features, scaled + lane, x);
      if (!delta)
        sigmoids(x);
      else if (delta->per_sample)
        sigmoids_of_each(x, delta->draws + l, half_width, mean, perturbed);
      else
        sigmoids_of_common(x, factor, perturbed);
      add_products(rows, data.features, x, clean + lane);
      if (delta) add_products(rows, data.features, perturbed, shifted + lane);
    }
  }
}

void products(const double* HWY_RESTRICT columns, std::size_t samples, std::size_t features,
              const double* HWY_RESTRICT z, double* HWY_RESTRICT out) {
  for (std::size_t j = 0; j < features; ++j) {
    HWY_ALIGN double sums[kLanes];
    for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
      Vec sum = hn::Zero(dd);
      for (std::size_t l = lane; l < samples; l += kLanes)
        sum = hn::MulAdd(hn::LoadU(dd, columns + j * samples + l), hn::LoadU(dd, z + l), sum);
      hn::Store(sum, dd, sums + lane);
    }
    out[j] = 0;
    for (const double sum : sums) out[j] += sum;
  }
}

}  // namespace gradquake::paper::HWY_NAMESPACE
// NOLINTEND(misc-definitions-in-headers)
HWY_AFTER_NAMESPACE();
#endif
