// The definition of noise.h in plain C++, word by word on Random123's Philox, with the same bits as the kernels; and
// what runs where the processor has neither AVX2 nor AVX-512. Also the choice of the instruction set, for tests and
// reports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/random/noise.h"

namespace gradquake {

GRADQUAKE_EXPORT void add_noise_reference(Variate variate, const float* in, float* out, std::size_t n, float mean,
                                          float scale, Stream stream, std::uint64_t first);
GRADQUAKE_EXPORT void add_noise_reference(Variate variate, const double* in, double* out, std::size_t n, double mean,
                                          double scale, Stream stream, std::uint64_t first);
GRADQUAKE_EXPORT AddedNorms add_noise_measured_reference(Variate variate, const float* in, float* out, std::size_t n,
                                                         float mean, float scale, Stream stream, std::uint64_t first);
GRADQUAKE_EXPORT AddedNorms add_noise_measured_reference(Variate variate, const double* in, double* out, std::size_t n,
                                                         double mean, double scale, Stream stream, std::uint64_t first);

// In the order of speed. kScalar is the reference and always there.
enum class InstructionSet { kScalar, kAvx2, kAvx512 };

GRADQUAKE_EXPORT bool instruction_set_available(InstructionSet set);
GRADQUAKE_EXPORT const char* instruction_set_name(InstructionSet set);

// The one in use: the fastest available, or the forced one.
GRADQUAKE_EXPORT InstructionSet instruction_set();

// For tests and measurements: use this one from now on, in all threads; nullopt: the fastest again.
// One that is not available throws std::invalid_argument.
GRADQUAKE_EXPORT void force_instruction_set(std::optional<InstructionSet> set);

}  // namespace gradquake
