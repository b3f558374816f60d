#include "gradquake/data/random.h"

#include <bit>
#include <cmath>

namespace gradquake::data {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
constexpr double kLn2 = 0.693147180559945309417;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

// x = 2^e m with m in [sqrt(1/2), sqrt(2));  ln m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...),  s = (m-1)/(m+1).
// |s| < 0.172, so 11 terms leave less than 1e-18.
double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double series = 0;
  for (int k = 23; k >= 3; k -= 2) series = (series + 1.0 / k) * square;
  return exponent * kLn2 + 2 * (s + s * series);
}

RandomStream::RandomStream(std::uint64_t seed, std::uint64_t substream)
    : state_(mix(seed + kGolden) ^ mix(mix(substream + 1) + kGolden)) {}

std::uint64_t RandomStream::bits() { return mix(state_ += kGolden); }

double RandomStream::uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }

double RandomStream::normal() {
  if (spare_normal_) {
    const double value = *spare_normal_;
    spare_normal_.reset();
    return value;
  }
  double u, v, square;
  do {
    u = 2 * uniform() - 1;
    v = 2 * uniform() - 1;
    square = u * u + v * v;
  } while (square >= 1);
  const double factor = std::sqrt(-2 * portable_log(square) / square);
  spare_normal_ = v * factor;
  return u * factor;
}

// U < 1 / (1 + exp(-logit))  <=>  ln(U / (1 - U)) < logit: needs ln only.
bool RandomStream::coin(double logit) {
  const double u = uniform();
  return portable_log(u / (1 - u)) < logit;
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  const auto width = std::bit_width(bound - 1);
  const std::uint64_t mask = width == 0 ? 0 : ~std::uint64_t{0} >> (64 - width);
  std::uint64_t value;
  do {
    value = bits() & mask;
  } while (value >= bound);
  return value;
}

}  // namespace gradquake::data
