#include "gradquake/hooks/random/noise.h"

// Highway compiles this file once per target. Without fused multiply-add it would give other bits; there the reference
// runs.
#include "gradquake/hooks/random/vector_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradquake/hooks/random/noise.cpp"
#include <hwy/foreach_target.h>  // comes before highway.h

#include "gradquake/hooks/random/noise_kernel-inl.h"

#if HWY_ONCE
#include <atomic>
#include <stdexcept>
#include <string>

#include "gradquake/hooks/random/noise_reference.h"

namespace gradquake {
namespace {

constexpr bool kHasAvx2 = (HWY_TARGETS & HWY_AVX2) != 0, kHasAvx512 = (HWY_TARGETS & HWY_AVX3) != 0;

bool processor_has(InstructionSet set) {
#if HWY_ARCH_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
  if (set == InstructionSet::kAvx2) return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#else
  return set == InstructionSet::kScalar;
#endif
}

InstructionSet fastest() {
  static const InstructionSet set = instruction_set_available(InstructionSet::kAvx512) ? InstructionSet::kAvx512
                                    : instruction_set_available(InstructionSet::kAvx2) ? InstructionSet::kAvx2
                                                                                       : InstructionSet::kScalar;
  return set;
}

constexpr int kNotForced = -1;
std::atomic<int> forced{kNotForced};

template <class T>
AddedNorms dispatch(Variate variate, bool measured, const T* in, T* out, std::size_t n, T mean, T scale,
                    const Stream& stream, std::uint64_t first) {
  switch (instruction_set()) {
#if HWY_TARGETS & HWY_AVX3
    case InstructionSet::kAvx512:
      return N_AVX3::run(variate, measured, in, out, n, mean, scale, stream, first);
#endif
#if HWY_TARGETS & HWY_AVX2
    case InstructionSet::kAvx2:
      return N_AVX2::run(variate, measured, in, out, n, mean, scale, stream, first);
#endif
    default:
      if (measured) return add_noise_measured_reference(variate, in, out, n, mean, scale, stream, first);
      add_noise_reference(variate, in, out, n, mean, scale, stream, first);
      return {};
  }
}

}  // namespace

bool instruction_set_available(InstructionSet set) {
  switch (set) {
    case InstructionSet::kScalar:
      return true;
    case InstructionSet::kAvx2:
      return kHasAvx2 && processor_has(set);
    case InstructionSet::kAvx512:
      return kHasAvx512 && processor_has(set);
  }
  return false;
}

const char* instruction_set_name(InstructionSet set) {
  return set == InstructionSet::kAvx512 ? "avx512" : set == InstructionSet::kAvx2 ? "avx2" : "scalar";
}

InstructionSet instruction_set() {
  const int set = forced.load(std::memory_order_relaxed);
  return set == kNotForced ? fastest() : static_cast<InstructionSet>(set);
}

void force_instruction_set(std::optional<InstructionSet> set) {
  if (set && !instruction_set_available(*set)) {
    throw std::invalid_argument(std::string("[hooks] expected an instruction set this processor has, got ") +
                                instruction_set_name(*set));
  }
  forced.store(set ? static_cast<int>(*set) : kNotForced, std::memory_order_relaxed);
}

void add_noise(Variate variate, const float* in, float* out, std::size_t n, float mean, float scale, Stream stream,
               std::uint64_t first) {
  dispatch(variate, false, in, out, n, mean, scale, stream, first);
}

void add_noise(Variate variate, const double* in, double* out, std::size_t n, double mean, double scale, Stream stream,
               std::uint64_t first) {
  dispatch(variate, false, in, out, n, mean, scale, stream, first);
}

AddedNorms add_noise_measured(Variate variate, const float* in, float* out, std::size_t n, float mean, float scale,
                              Stream stream, std::uint64_t first) {
  return dispatch(variate, true, in, out, n, mean, scale, stream, first);
}

AddedNorms add_noise_measured(Variate variate, const double* in, double* out, std::size_t n, double mean, double scale,
                              Stream stream, std::uint64_t first) {
  return dispatch(variate, true, in, out, n, mean, scale, stream, first);
}

}  // namespace gradquake
#endif
