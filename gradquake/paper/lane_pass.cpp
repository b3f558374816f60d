#include "gradquake/paper/lane_pass.h"

// Highway compiles this file once per target; without AVX2 or AVX-512 the same source runs one lane at a time.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (~(HWY_AVX2 | HWY_AVX3 | HWY_SCALAR | HWY_EMU128))
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradquake/paper/lane_pass.cpp"
#include <hwy/foreach_target.h>  // comes before highway.h

#include "gradquake/paper/lane_pass-inl.h"

#if HWY_ONCE
#include "gradquake/hooks/random/noise_reference.h"

namespace gradquake::paper {
namespace {

struct Kernels {
  decltype(&HWY_STATIC_DISPATCH(run)) pass;
  decltype(&HWY_STATIC_DISPATCH(products)) products;
};

Kernels kernels() {
  switch (instruction_set()) {
#if HWY_TARGETS & HWY_AVX3
    case InstructionSet::kAvx512:
      return {N_AVX3::run, N_AVX3::products};
#endif
#if HWY_TARGETS & HWY_AVX2
    case InstructionSet::kAvx2:
      return {N_AVX2::run, N_AVX2::products};
#endif
    default:
      return {HWY_STATIC_DISPATCH(run), HWY_STATIC_DISPATCH(products)};
  }
}

}  // namespace

void lane_pass(const LaneMatrix& data, const double* weights, double* clean) {
  kernels().pass(data, weights, nullptr, clean, nullptr);
}

void lane_pass(const LaneMatrix& data, const double* weights, const LaneShift& shift, double* clean, double* shifted) {
  kernels().pass(data, weights, &shift, clean, shifted);
}

void column_products(const double* columns, std::size_t samples, std::size_t features, const double* z,
                     double* products) {
  kernels().products(columns, samples, features, z, products);
}

}  // namespace gradquake::paper
#endif
