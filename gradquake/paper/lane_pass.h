// The inner loop of section 7's problem (53), (54): one pass over the data for eight replicas side by side. A replica
// is a run of its own; all eight share the data matrix and its rows are loaded once. Lane r of every array is replica
// r.
//
//   x_l = a_l^T w                       f_1 of sample l, with a_l = -y_l h_l
//   clean[j]   = sum_l a_lj sigma(x_l)                       M times the data term of grad f
//   shifted[j] = sum_l a_lj sigma(x_l + delta_l)             M times that of the perturbed pass
//
// sigma(x) = 1 / (1 + 2^-t), t = x log2(e), 2^-t by an exact split and a polynomial of degree 11 (relative error 3e-17
// before rounding). For |x| <= 138 sigma is within 1e-15 (1 + |x| / 4) relative, the part with |x| being what rounding
// x itself does; beyond, it is sigma(+-138), within 1e-60 of it: activations of 1e4 and more are as exact as small
// ones.
#pragma once

#include <cstddef>

#include "gradquake/hooks/export.h"

namespace gradquake::paper {

inline constexpr std::size_t kLanes = 8;
inline constexpr std::size_t kMostFeatures = 256;
inline constexpr double kLargestShift = 64;
inline constexpr std::size_t kBlock = 64;  // samples in the first-level cache at a time; rows are padded to it by zeros

struct LaneMatrix {
  const double* rows = nullptr;  // a, [padded samples, features]
  std::size_t samples = 0;       // a multiple of kBlock
  std::size_t features = 0;
};

// delta_l of lane r = fma(z_l, half_width[r], mean[r]); z is shared by the lanes, whose seed is the same.
struct LaneShift {
  const double* draws = nullptr;  // z, one for each padded sample, or one for all
  bool per_sample = false;
  const double* half_width = nullptr;  // [kLanes], |delta| <= kLargestShift
  const double* mean = nullptr;        // [kLanes]
};

// weights, clean, shifted: [features, kLanes], 64-byte aligned.
GRADQUAKE_EXPORT void lane_pass(const LaneMatrix& data, const double* weights, double* clean);
GRADQUAKE_EXPORT void lane_pass(const LaneMatrix& data, const double* weights, const LaneShift& shift, double* clean,
                                double* shifted);

// products[j] = sum_l columns[j * samples + l] z[l] for each feature j; samples a multiple of kLanes. Bits are the same
// on every instruction set.
GRADQUAKE_EXPORT void column_products(const double* columns, std::size_t samples, std::size_t features, const double* z,
                                      double* products);

}  // namespace gradquake::paper
