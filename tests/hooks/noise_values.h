// Values to perturb, and comparison to the bit, for the tests of noise.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gradquake/hooks/random/noise.h"

namespace gradquake {

inline constexpr Variate kVariates[] = {Variate::kGaussian, Variate::kUniform, Variate::kRademacher, Variate::kLaplace,
                                        Variate::kConstant};
inline const Stream kStream{0x299f31d0a4093822, 77, 3};

template <class T>
std::vector<T> smooth_values(std::size_t n) {
  std::vector<T> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<T>(std::sin(0.37 * static_cast<double>(i)));
  return values;
}

template <class T>
bool same_bits(const T* a, const T* b, std::size_t n) {
  return std::memcmp(a, b, n * sizeof(T)) == 0;
}

inline bool same_bits(const AddedNorms& a, const AddedNorms& b) {
  return same_bits(&a.added_squared, &b.added_squared, 1) && same_bits(&a.input_squared, &b.input_squared, 1) &&
         a.changed == b.changed;
}

template <class T>
std::vector<T> noise_on(const std::vector<T>& in, Variate variate, T mean, T scale, std::uint64_t first = 0,
                        Stream stream = kStream) {
  std::vector<T> out(in.size());
  add_noise(variate, in.data(), out.data(), in.size(), mean, scale, stream, first);
  return out;
}

// The variates themselves: noise of scale 1 on zeros.
template <class T>
std::vector<T> draw(Variate variate, std::size_t n, std::uint64_t first = 0, Stream stream = kStream) {
  return noise_on(std::vector<T>(n), variate, T{0}, T{1}, first, stream);
}

}  // namespace gradquake
