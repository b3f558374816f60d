// The passes of rounding.h that a Highway target offers. Internal to hooks/.
#pragma once

#include <cstddef>

#include "gradquake/hooks/formats/rounding.h"

namespace gradquake {

template <class T>
struct RoundingPasses {
  void (*to_float)(const T* in, T* out, std::size_t n, const FloatFormat& format, Overflow overflow,
                   const float* uniform);
  void (*to_grid)(const T* in, T* out, std::size_t n, const IntegerGrid<T>& grid, const float* uniform);
  void (*to_blocks)(const T* in, T* out, std::size_t n, const BlockFormat& format, T tensor_scale,
                    const float* uniform);
  Extent<T> (*extent)(const T* in, std::size_t n);
};

}  // namespace gradquake
