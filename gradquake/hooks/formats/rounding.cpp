#include "gradquake/hooks/formats/rounding.h"

// Compiled once per target, as noise.cpp is. The same steps everywhere, none of them fused, so the same bits.
#include "gradquake/hooks/random/vector_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradquake/hooks/formats/rounding.cpp"
#include <hwy/foreach_target.h>  // comes before highway.h

#include "gradquake/hooks/formats/rounding_kernel-inl.h"

#if HWY_ONCE
#include "gradquake/hooks/random/noise_reference.h"

namespace gradquake {
namespace {

template <class T>
const RoundingPasses<T>& passes() {
  switch (instruction_set()) {
#if HWY_TARGETS & HWY_AVX3
    case InstructionSet::kAvx512:
      return N_AVX3::kPasses<T>;
#endif
#if HWY_TARGETS & HWY_AVX2
    case InstructionSet::kAvx2:
      return N_AVX2::kPasses<T>;
#endif
    default:
      return HWY_STATIC_DISPATCH(kPasses<T>);
  }
}

}  // namespace

void round_to_float(const float* in, float* out, std::size_t n, const FloatFormat& format, Overflow overflow,
                    const float* uniform) {
  passes<float>().to_float(in, out, n, format, overflow, uniform);
}

void round_to_float(const double* in, double* out, std::size_t n, const FloatFormat& format, Overflow overflow,
                    const float* uniform) {
  passes<double>().to_float(in, out, n, format, overflow, uniform);
}

void round_to_grid(const float* in, float* out, std::size_t n, const IntegerGrid<float>& grid, const float* uniform) {
  passes<float>().to_grid(in, out, n, grid, uniform);
}

void round_to_grid(const double* in, double* out, std::size_t n, const IntegerGrid<double>& grid,
                   const float* uniform) {
  passes<double>().to_grid(in, out, n, grid, uniform);
}

void round_to_blocks(const float* in, float* out, std::size_t n, const BlockFormat& format, float tensor_scale,
                     const float* uniform) {
  passes<float>().to_blocks(in, out, n, format, tensor_scale, uniform);
}

void round_to_blocks(const double* in, double* out, std::size_t n, const BlockFormat& format, double tensor_scale,
                     const float* uniform) {
  passes<double>().to_blocks(in, out, n, format, tensor_scale, uniform);
}

Extent<float> finite_extent(const float* in, std::size_t n) { return passes<float>().extent(in, n); }
Extent<double> finite_extent(const double* in, std::size_t n) { return passes<double>().extent(in, n); }

}  // namespace gradquake
#endif
