// Rounding of numbers in memory to a format, one thread. Every instruction set gives the same bits; in == out is
// allowed. Torch-free.
//
// `uniform`: null: to the nearest, ties to even. Else one u in [0, 1) an element, of 24 bits, and rounding is
// stochastic: a number a share f of the way from the one below it to the one above it, in magnitude, goes up with
// probability f to 2^-24.
//
// NaN stays NaN, 0 keeps its sign.
#pragma once

#include <cstddef>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/formats/number_format.h"

namespace gradquake {

// What becomes of a number that rounds beyond the largest, and of inf: the largest, or inf (NaN where the format has
// none).
enum class Overflow { kSaturate, kIeee };

GRADQUAKE_EXPORT void round_to_float(const float* in, float* out, std::size_t n, const FloatFormat& format,
                                     Overflow overflow, const float* uniform);
GRADQUAKE_EXPORT void round_to_float(const double* in, double* out, std::size_t n, const FloatFormat& format,
                                     Overflow overflow, const float* uniform);

// out = (clamp(round(in / step) + zero, lowest, highest) - zero) * step, step > 0. inf goes to the end of the grid.
template <class T>
struct IntegerGrid {
  T step, zero, lowest, highest;
};

GRADQUAKE_EXPORT void round_to_grid(const float* in, float* out, std::size_t n, const IntegerGrid<float>& grid,
                                    const float* uniform);
GRADQUAKE_EXPORT void round_to_grid(const double* in, double* out, std::size_t n, const IntegerGrid<double>& grid,
                                    const float* uniform);

// Each `format.block` consecutive elements share a scale; the last block may be shorter. Numbers that are not finite
// have no part in the scale; elements saturate. `tensor_scale`: what nvfp4's scales are relative to; else unused.
GRADQUAKE_EXPORT void round_to_blocks(const float* in, float* out, std::size_t n, const BlockFormat& format,
                                      float tensor_scale, const float* uniform);
GRADQUAKE_EXPORT void round_to_blocks(const double* in, double* out, std::size_t n, const BlockFormat& format,
                                      double tensor_scale, const float* uniform);

// Smallest and largest of the finite numbers; {0, 0} where there are none.
template <class T>
struct Extent {
  T lowest = 0, highest = 0;
};

GRADQUAKE_EXPORT Extent<float> finite_extent(const float* in, std::size_t n);
GRADQUAKE_EXPORT Extent<double> finite_extent(const double* in, std::size_t n);

}  // namespace gradquake
