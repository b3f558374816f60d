// Random numbers that are the same bits on every machine, compiler and standard library: only integer arithmetic and
// IEEE + - * / sqrt, none of <random> and no libm. For data and batch order; perturbations have their own streams.
#pragma once

#include <cstdint>
#include <optional>

namespace gradquake::data {

// ln x for x > 0, finite and normal; within 2 units in the last place.
double portable_log(double x);

// SplitMix64 (Steele, Lea, Flood 2014): state += 0x9E3779B97F4A7C15, output = a bijective mix of the state.
class RandomStream {
 public:
  // `substream`: an independent sequence of the same seed, e.g. the epoch.
  explicit RandomStream(std::uint64_t seed, std::uint64_t substream = 0);

  std::uint64_t bits();
  double uniform();                          // (0, 1): an odd multiple of 2^-53, never 0 or 1
  double normal();                           // N(0, 1), Marsaglia's polar method
  bool coin(double logit);                   // true with probability 1 / (1 + exp(-logit))
  std::uint64_t below(std::uint64_t bound);  // uniform on 0 .. bound - 1, exactly (by rejection); bound >= 1

 private:
  std::uint64_t state_;
  std::optional<double> spare_normal_;
};

}  // namespace gradquake::data
