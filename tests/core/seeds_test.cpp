#include "gradquake/core/seeds.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <set>
#include <string>

namespace gradquake {
namespace {

// Computed with an implementation of the formula in unbounded integers, itself checked against the published values
// FNV-1a("a") = af63dc4c8601ec8c and SplitMix64(1234567) = 6457827717110365317.
TEST(NamedSeedTest, HasTheKnownValuesOfItsFormula) {
  EXPECT_EQ(named_seed(0, ""), 0x5b21f68ffa77f14cu);
  EXPECT_EQ(named_seed(1, "data"), 0xb059a542825fd26du);
  EXPECT_EQ(named_seed(1, "init"), 0xeb31bf8812b06dfbu);
  EXPECT_EQ(named_seed(std::numeric_limits<std::uint64_t>::max(), "gradient_noise"), 0x15c4a97c236d7b29u);
}

// 10^5 seeds collide in 64 bits with probability 3e-10.
TEST(NamedSeedTest, DiffersForEveryNameAndRunSeed) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t run_seed = 0; run_seed < 1000; ++run_seed) {
    for (int name = 0; name < 100; ++name) seeds.insert(named_seed(run_seed, "use" + std::to_string(name)));
  }
  EXPECT_EQ(seeds.size(), 100'000u);
}

// Neighbouring run seeds flip each of the 64 bits of a name's seed about half the time: over 10,000 pairs the share of
// flips has standard deviation 0.005, so 6 of them fail one of 64 bits with probability 1e-7.
TEST(NamedSeedTest, FlipsEveryBitHalfTheTimeForTheNextRunSeed) {
  constexpr int kPairs = 10'000;
  int flips[64] = {};
  for (std::uint64_t run_seed = 0; run_seed < kPairs; ++run_seed) {
    const std::uint64_t changed = named_seed(run_seed, "init") ^ named_seed(run_seed + 1, "init");
    for (int bit = 0; bit < 64; ++bit) flips[bit] += static_cast<int>(changed >> bit & 1);
  }
  for (int bit = 0; bit < 64; ++bit) EXPECT_NEAR(static_cast<double>(flips[bit]) / kPairs, 0.5, 0.03) << bit;
}

// The agreement of two names' seeds over 10,000 run seeds: 640,000 bits, standard deviation 0.000625; 6 of them.
TEST(NamedSeedTest, IsUncorrelatedBetweenNames) {
  constexpr int kSeeds = 10'000;
  int different = 0;
  for (std::uint64_t run_seed = 0; run_seed < kSeeds; ++run_seed) {
    different += std::popcount(named_seed(run_seed, "data") ^ named_seed(run_seed, "init"));
  }
  EXPECT_NEAR(different / (64.0 * kSeeds), 0.5, 0.00375);
}

}  // namespace
}  // namespace gradquake
