// What the reference and the kernels of noise.h share: constants of the elementary functions, and how squares are
// summed. Internal.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "gradquake/hooks/random/noise.h"

namespace gradquake::noise_layout {

// Lane l takes the elements e with e mod 16 = l; a group is what a lane sums in the tensor's own type, 16 rows of 16
// lanes.
inline constexpr std::size_t kLanes = 16, kGroup = 256;

// ln(1+m) ~ m - m^2/2 + m^3 P(m) for sqrt(1/2) <= 1+m < sqrt(2); sin and cos on [-pi/4, pi/4]: minimax polynomials of
// Cephes (Moshier, logf.c, sinf.c), highest power first.
inline constexpr std::array<float, 9> kLog = {7.0376836292E-2f,  -1.1514610310E-1f, 1.1676998740E-1f,
                                              -1.2420140846E-1f, 1.4249322787E-1f,  -1.6668057665E-1f,
                                              2.0000714765E-1f,  -2.4999993993E-1f, 3.3333331174E-1f};
inline constexpr std::array<float, 3> kSin = {-1.9515295891E-4f, 8.3321608736E-3f, -1.6666654611E-1f};
inline constexpr std::array<float, 3> kCos = {2.443315711809948E-5f, -1.388731625493765E-3f, 4.166664568298827E-2f};
inline constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
inline constexpr float kAngle = 3.14159265358979323846f / 4 * 0x1p-31f;
inline constexpr std::uint32_t kOneBits = 0x3f800000u, kSqrtHalfBits = 0x3f3504f3u, kMantissaMask = 0x007fffffu;

// Noise is measured over its largest ingredient, so that its squares neither overflow nor vanish:
// mean + scale*z = size * (unit.mean + unit.scale*z); without a mean, size * z.
template <class T>
struct Unit {
  T mean, scale, size;
};

template <class T>
Unit<T> unit_of(T mean, T scale) {
  if (mean == 0) return {0, 1, std::fabs(scale)};
  const T size = std::max(std::fabs(mean), std::fabs(scale));
  return {mean / size, scale / size, size};
}

// A float32 lane sum of 16 squares is right where no lane is beyond the range and some lane is far above the numbers
// that are lost at its lower end. An order-free question, so that every instruction set answers it alike.
inline constexpr float kLargest = std::numeric_limits<float>::max(), kSmallest = 0x1p-100f;

using LaneSums = std::array<double, kLanes>;

// The sums of one chunk.
struct ChunkSums {
  alignas(64) LaneSums input{};
  alignas(64) LaneSums added{};

  // Adds the chunk to `norms` and starts the next one.
  template <class T>
  void close(T size, AddedNorms& norms) {
    double input_total = 0, added_total = 0;
    for (std::size_t l = 0; l < kLanes; ++l) input_total += input[l], added_total += added[l];
    norms.input_squared += input_total;
    if (size != 0) norms.added_squared += static_cast<double>(size) * static_cast<double>(size) * added_total;
    *this = {};
  }
};

}  // namespace gradquake::noise_layout
