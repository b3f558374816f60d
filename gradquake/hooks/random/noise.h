// Fused noise: one pass that reads a tensor, draws the noise by address, adds it, and measures it where asked.
//
//   out[i] = in[i] + (mean + scale * z[first + i]),   i = 0 .. n-1        in == out is allowed
//
// Exactly, with fma(a, b, c) = a*b + c rounded once, in the tensor's own type:
//   mean == 0:  out = fma(z, scale, in)          mean != 0:  t = fma(z, scale, mean), out = in + t
// z is a float32 number; for float64 it is widened, which is exact. Every instruction set gives the same bits, and any
// slice [first, first + n) gives the bits of the whole.
//
// Which word belongs to element e, with words(counter) = philox4x32_10({low, high, occurrence, step}, key):
// * gaussian, uniform, laplace: word (e % 64) / 16 of words(16 * (e / 64) + e % 16)
// * rademacher: word (r / 16) of words(16 * (e / 2048) + r % 16), r = e % 64, and there bit 31 - (e % 2048) / 64
// What the word says:
// * gaussian: two words, of rows 0 and 1 or 2 and 3, make two numbers (Box and Muller 1958); |z| <= 6.67
// * uniform: the word's upper 24 bits as a signed number / 2^23, in [-1, 1): never 1
// * rademacher: -1 where the bit is set, else 1
// * laplace: -ln((k + 1/2) / 2^31) with the word's upper 31 bits k, negative where its last bit is set; |z| <= 22.2
// * constant: 1, no words
//
// Threads: the kernels use one. A caller that has several splits where first + i is a multiple of kNoiseChunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/random/stream.h"

namespace gradquake {

enum class Variate { kGaussian, kUniform, kRademacher, kLaplace, kConstant };

// Elements whose squares are summed together; a chunk starts where first + i is a multiple of it.
inline constexpr std::uint64_t kNoiseChunk = 16384;

// What was added, in float64. Norms are measured in the order of the addresses: 16 lanes (element e in lane e % 16),
// 256 elements at a time in the tensor's type, then float64 to the end of the chunk, then chunk after chunk. A float32
// group whose squares leave the float32 range is summed in float64. So the bits depend on `first` and `n` alone.
struct AddedNorms {
  double added_squared = 0;  // sum of (mean + scale*z)^2
  double input_squared = 0;  // sum of in^2
  bool changed = false;      // some out differs from its in

  // Appends the next chunk: to have the bits of one call over the whole, call chunk by chunk and append in order.
  void append(const AddedNorms& next) {
    added_squared += next.added_squared;
    input_squared += next.input_squared;
    changed |= next.changed;
  }
};

GRADQUAKE_EXPORT void add_noise(Variate variate, const float* in, float* out, std::size_t n, float mean, float scale,
                                Stream stream, std::uint64_t first);
GRADQUAKE_EXPORT void add_noise(Variate variate, const double* in, double* out, std::size_t n, double mean,
                                double scale, Stream stream, std::uint64_t first);

// The same bits in `out`, and what was added.
GRADQUAKE_EXPORT AddedNorms add_noise_measured(Variate variate, const float* in, float* out, std::size_t n, float mean,
                                               float scale, Stream stream, std::uint64_t first);
GRADQUAKE_EXPORT AddedNorms add_noise_measured(Variate variate, const double* in, double* out, std::size_t n,
                                               double mean, double scale, Stream stream, std::uint64_t first);

}  // namespace gradquake
