#include "gradquake/hooks/random/stream.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace gradquake {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The three vectors for philox4x32, 10 rounds, that Random123 publishes (kat_vectors).
TEST(StreamTest, PhiloxGivesTheKnownAnswerOfZeros) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(StreamTest, PhiloxGivesTheKnownAnswerOfOnes) {
  EXPECT_EQ(philox4x32_10({~0u, ~0u, ~0u, ~0u}, ~std::uint64_t{0}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(StreamTest, PhiloxGivesTheKnownAnswerOfPi) {
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(StreamTest, PhiloxEqualsRandom123OnRandomInputs) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 100000; ++trial) {
    const std::uint64_t low = random(), high = random(), key = random();
    const Words counter = {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32),
                           static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(high >> 32)};
    const r123::Philox4x32::ctr_type ctr = {{counter[0], counter[1], counter[2], counter[3]}};
    const r123::Philox4x32::key_type k = {{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}};
    const auto expected = r123::Philox4x32{}(ctr, k);
    const Words got = philox4x32_10(counter, key);
    for (std::size_t i = 0; i < 4; ++i) ASSERT_EQ(got[i], expected[i]);
  }
}

TEST(StreamTest, EveryPartOfAnAddressChangesTheKey) {
  const std::uint64_t key = stream_key(1, 0, "fc1", Direction::kForward, "rule");
  EXPECT_NE(key, stream_key(2, 0, "fc1", Direction::kForward, "rule"));
  EXPECT_NE(key, stream_key(1, 1, "fc1", Direction::kForward, "rule"));
  EXPECT_NE(key, stream_key(1, 0, "fc2", Direction::kForward, "rule"));
  EXPECT_NE(key, stream_key(1, 0, "fc1", Direction::kBackward, "rule"));
  EXPECT_NE(key, stream_key(1, 0, "fc1", Direction::kForward, "rules"));
  EXPECT_NE(stream_key(1, 2, "fc1", Direction::kForward, "rule"), stream_key(2, 1, "fc1", Direction::kForward, "rule"));
  EXPECT_EQ(key, stream_key(1, 0, "fc1", Direction::kForward, "rule"));
}

TEST(StreamTest, TheKeyKnowsWhereANameEnds) {
  const auto key = [](std::string_view site, std::string_view label) {
    return stream_key(1, 0, site, Direction::kForward, label);
  };
  const std::string_view nul("a\0", 2);
  const std::vector<std::uint64_t> keys = {key("a", "bc"),       key("ab", "c"),       key("abc", ""),
                                           key("", "abc"),       key("bc", "a"),       key(nul, "bc"),
                                           key("12345678", "9"), key("123456789", ""), key("", "123456789"),
                                           key("", ""),          key("1234567", "89"), key("a", std::string(8, '\0')),
                                           key("a", "")};
  EXPECT_EQ(std::set<std::uint64_t>(keys.begin(), keys.end()).size(), keys.size());
}

TEST(StreamTest, AHundredThousandAddressesHaveDistinctKeys) {  // false alarm: 3e-10
  std::set<std::uint64_t> keys;
  for (int seed = 0; seed < 10; ++seed) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      for (int site = 0; site < 100; ++site) {
        for (Direction direction : {Direction::kForward, Direction::kBackward}) {
          for (int label = 0; label < 5; ++label) {
            keys.insert(stream_key(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(repeat),
                                   "layers." + std::to_string(site), direction, std::to_string(label)));
          }
        }
      }
    }
  }
  EXPECT_EQ(keys.size(), 100000u);
}

TEST(StreamTest, OneBitOfTheSeedTurnsHalfTheBitsOfTheKey) {  // 64 x 64 coins: sd 0.5 of 64 bits; false alarm 6e-7
  const std::uint64_t key = stream_key(1, 0, "fc1", Direction::kForward, "0");
  int turned = 0;
  for (int bit = 0; bit < 64; ++bit) {
    turned += std::popcount(key ^ stream_key(1 ^ (std::uint64_t{1} << bit), 0, "fc1", Direction::kForward, "0"));
  }
  EXPECT_NEAR(turned / 64.0, 32.0, 2.5);
}

// From a second implementation of the mix, in Python: a change here would change every run's noise.
TEST(StreamTest, TheKeyOfAKnownAddressIsKnown) {
  EXPECT_EQ(stream_key(1, 0, "layers.2", Direction::kForward, "late-forward"), 0x21784c01dfebaac);
  EXPECT_EQ(stream_key(18446744073709551615u, 7, "", Direction::kBackward, "0"), 0x3b8f0404b7f06e43);
}

TEST(StreamTest, AKeyBelongsToOneDirection) {
  EXPECT_THROW(stream_key(1, 0, "fc1", Direction::kBoth, "0"), std::invalid_argument);
}

TEST(StreamTest, AStepBelow2To32IsACounterWord) {
  const Stream stream = make_stream(42, 4294967295, 3);
  EXPECT_EQ(stream.key, 42u);
  EXPECT_EQ(stream.step, 4294967295u);
  EXPECT_EQ(stream.occurrence, 3u);
}

TEST(StreamTest, StepsBeyond2To32DoNotWrapAround) {
  std::set<std::tuple<std::uint64_t, std::uint32_t>> addresses;
  for (std::int64_t high : {0, 1, 2, 1000}) {
    for (std::int64_t low : {0, 1, 2}) {
      const Stream stream = make_stream(42, (high << 32) + low);
      addresses.insert({stream.key, stream.step});
    }
  }
  EXPECT_EQ(addresses.size(), 12u);
}

TEST(StreamTest, ANegativeStepIsRefused) { EXPECT_THROW(make_stream(1, -1), std::invalid_argument); }

TEST(StreamTest, UniformNumbersFillTheUnitIntervalAndStayBelowOne) {  // mean and variance within 5 sd: 1e-6
  constexpr int kCount = 100000;
  double sum = 0, squares = 0, least = 1, most = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const double u = uniform_at(make_stream(5, 0), i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
    least = std::min(least, u);
    most = std::max(most, u);
  }
  EXPECT_NEAR(sum / kCount, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(squares / kCount, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / kCount));
  EXPECT_LT(least, 2e-4);
  EXPECT_GT(most, 1 - 2e-4);
}

}  // namespace
}  // namespace gradquake
