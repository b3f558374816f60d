#include "gradquake/hooks/random/noise_reference.h"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "gradquake/hooks/random/noise_layout.h"

namespace gradquake {
namespace {

using namespace noise_layout;  // NOLINT(google-build-using-namespace): constants alone

std::array<std::uint32_t, 4> words(std::uint64_t counter, const Stream& stream) {
  const r123::Philox4x32::ctr_type ctr = {
      {static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), stream.occurrence, stream.step}};
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(stream.key), static_cast<std::uint32_t>(stream.key >> 32)}};
  const auto w = r123::Philox4x32{}(ctr, key);
  return {w[0], w[1], w[2], w[3]};
}

// ln x for x in (0, 1].
float log_reference(float x) {
  const std::uint32_t shifted = std::bit_cast<std::uint32_t>(x) + (kOneBits - kSqrtHalfBits);
  const float exponent = static_cast<float>(static_cast<std::int32_t>(shifted >> 23) - 127);
  const float m = std::bit_cast<float>((shifted & kMantissaMask) + kSqrtHalfBits) - 1.0f;
  float y = kLog[0];
  for (std::size_t i = 1; i < kLog.size(); ++i) y = std::fma(y, m, kLog[i]);
  const float m2 = m * m;
  y = std::fma(exponent, kLn2Low, y * m * m2);
  y = std::fma(m2, -0.5f, y);
  return std::fma(exponent, kLn2High, m + y);
}

// Box-Muller: radius from one word, angle from the other.
std::array<float, 2> gaussian_pair(std::uint32_t radius_word, std::uint32_t angle_word) {
  const float u = (static_cast<float>(static_cast<std::int32_t>(radius_word >> 1)) + 0.5f) * 0x1p-31f;
  const float r = std::sqrt(-2.0f * log_reference(u));
  const float t = static_cast<float>(static_cast<std::int32_t>(angle_word << 2)) * kAngle;
  const float t2 = t * t;
  const float sine = std::fma(t * t2, std::fma(t2, std::fma(t2, kSin[0], kSin[1]), kSin[2]), t);
  float cosine = std::fma(t2 * t2, std::fma(t2, std::fma(t2, kCos[0], kCos[1]), kCos[2]), std::fma(t2, -0.5f, 1.0f));
  if ((angle_word >> 31) != 0) cosine = -cosine;
  const bool swap = ((angle_word >> 30) & 1) != 0;
  return {r * (swap ? sine : cosine), r * (swap ? cosine : sine)};
}

float laplace(std::uint32_t word) {
  const float u = (static_cast<float>(static_cast<std::int32_t>(word >> 1)) + 0.5f) * 0x1p-31f;
  const float magnitude = -log_reference(u);
  return (word & 1) != 0 ? -magnitude : magnitude;
}

float variate(Variate kind, const Stream& stream, std::uint64_t element) {
  if (kind == Variate::kConstant) return 1.0f;
  if (kind == Variate::kRademacher) {
    const std::uint64_t place = element % 64, bit = 31 - (element % 2048) / 64;
    const auto w = words(16 * (element / 2048) + place % 16, stream);
    return ((w[place / 16] >> bit) & 1) != 0 ? -1.0f : 1.0f;
  }
  const auto w = words(16 * (element / 64) + element % 16, stream);
  const std::uint64_t row = (element % 64) / 16;
  if (kind == Variate::kUniform) return static_cast<float>(static_cast<std::int32_t>(w[row]) >> 8) * 0x1p-23f;
  if (kind == Variate::kLaplace) return laplace(w[row]);
  return gaussian_pair(w[row & 2], w[row | 1])[row & 1];
}

template <class T>
T noisy(T in, float z, T mean, T scale) {
  if (mean == 0) return std::fma(static_cast<T>(z), scale, in);
  return in + std::fma(static_cast<T>(z), scale, mean);
}

template <class T>
void add_reference(Variate kind, const T* in, T* out, std::size_t n, T mean, T scale, const Stream& stream,
                   std::uint64_t first) {
  for (std::size_t i = 0; i < n; ++i) out[i] = noisy(in[i], variate(kind, stream, first + i), mean, scale);
}

// The lane sums of a group in its own type, added to `sums`.
template <class T>
void add_squares(const std::array<T, kGroup>& group, LaneSums& sums) {
  std::array<T, kLanes> lanes{};
  for (std::size_t i = 0; i < kGroup; ++i) lanes[i % kLanes] = std::fma(group[i], group[i], lanes[i % kLanes]);
  for (std::size_t l = 0; l < kLanes; ++l) sums[l] += static_cast<double>(lanes[l]);
}

template <class T>
bool in_range(const std::array<T, kGroup>& group) {
  std::array<T, kLanes> lanes{};
  for (std::size_t i = 0; i < kGroup; ++i) lanes[i % kLanes] = std::fma(group[i], group[i], lanes[i % kLanes]);
  return std::all_of(lanes.begin(), lanes.end(), [](T x) { return x <= kLargest; }) &&
         std::any_of(lanes.begin(), lanes.end(), [](T x) { return x >= kSmallest; });
}

// The same for a tensor's values, which may be of any size.
void add_input_squares(const std::array<double, kGroup>& group, LaneSums& sums) { add_squares(group, sums); }

void add_input_squares(const std::array<float, kGroup>& group, LaneSums& sums) {
  if (in_range(group)) return add_squares(group, sums);
  std::array<double, kGroup> wide;
  std::copy(group.begin(), group.end(), wide.begin());
  add_squares(wide, sums);
}

template <class T>
AddedNorms measured_reference(Variate kind, const T* in, T* out, std::size_t n, T mean, T scale, const Stream& stream,
                              std::uint64_t first) {
  AddedNorms norms;
  const Unit<T> unit = unit_of(mean, scale);
  ChunkSums sums;
  std::array<T, kGroup> group_in, group_added;  // in, and the noise over unit.size; zero outside the slice
  for (std::size_t i = 0; i < n;) {
    const std::uint64_t offset = (first + i) % kGroup;
    const std::size_t count = std::min<std::size_t>(n - i, kGroup - offset);
    group_in.fill(0);
    group_added.fill(0);
    for (std::size_t j = 0; j < count; ++j, ++i) {
      const float z = variate(kind, stream, first + i);
      const T before = in[i];
      out[i] = noisy(before, z, mean, scale);
      norms.changed |= out[i] != before;
      group_in[offset + j] = before;
      group_added[offset + j] = mean == 0 ? static_cast<T>(z) : std::fma(static_cast<T>(z), unit.scale, unit.mean);
    }
    add_input_squares(group_in, sums.input);
    add_squares(group_added, sums.added);
    if ((first + i) % kNoiseChunk == 0 || i == n) sums.close(unit.size, norms);
  }
  return norms;
}

}  // namespace

void add_noise_reference(Variate kind, const float* in, float* out, std::size_t n, float mean, float scale,
                         Stream stream, std::uint64_t first) {
  add_reference(kind, in, out, n, mean, scale, stream, first);
}

void add_noise_reference(Variate kind, const double* in, double* out, std::size_t n, double mean, double scale,
                         Stream stream, std::uint64_t first) {
  add_reference(kind, in, out, n, mean, scale, stream, first);
}

AddedNorms add_noise_measured_reference(Variate kind, const float* in, float* out, std::size_t n, float mean,
                                        float scale, Stream stream, std::uint64_t first) {
  return measured_reference(kind, in, out, n, mean, scale, stream, first);
}

AddedNorms add_noise_measured_reference(Variate kind, const double* in, double* out, std::size_t n, double mean,
                                        double scale, Stream stream, std::uint64_t first) {
  return measured_reference(kind, in, out, n, mean, scale, stream, first);
}

}  // namespace gradquake
