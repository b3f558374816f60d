#include "gradquake/hooks/random/noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gradquake/hooks/random/noise_reference.h"
#include "noise_values.h"

namespace gradquake {
namespace {

struct Case {
  Variate variate;
  InstructionSet set;
};

std::vector<Case> available_cases() {
  std::vector<Case> cases;
  for (InstructionSet set : {InstructionSet::kScalar, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    for (Variate variate : kVariates) {
      if (instruction_set_available(set)) cases.push_back({variate, set});
    }
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const char* names[] = {"gaussian", "uniform", "rademacher", "laplace", "constant"};
  return std::string(names[static_cast<int>(info.param.variate)]) + "_" + instruction_set_name(info.param.set);
}

class NoiseBitsTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { force_instruction_set(GetParam().set); }
  void TearDown() override { force_instruction_set(std::nullopt); }

  // Every mean and size, from the start, from an odd place, and where counters pass 2^32 words and elements pass 2^40.
  template <class T>
  void expect_the_bits_of_the_reference() {
    const auto in = smooth_values<T>(5003);
    std::vector<T> expected(in.size()), got(in.size()), plain(in.size());
    for (std::uint64_t first : {0ull, 12345ull, (1ull << 34) - 2500, (1ull << 39) - 2500, (1ull << 40) + 1}) {
      for (T mean : {T(0), T(-0.3)}) {
        for (T scale : {T(0), T(0.1), T(1e6)}) {
          const AddedNorms expected_norms = add_noise_measured_reference(GetParam().variate, in.data(), expected.data(),
                                                                         in.size(), mean, scale, kStream, first);
          const AddedNorms got_norms =
              add_noise_measured(GetParam().variate, in.data(), got.data(), in.size(), mean, scale, kStream, first);
          add_noise(GetParam().variate, in.data(), plain.data(), in.size(), mean, scale, kStream, first);
          EXPECT_TRUE(same_bits(got.data(), expected.data(), in.size())) << first << " " << mean << " " << scale;
          EXPECT_TRUE(same_bits(plain.data(), expected.data(), in.size())) << first << " " << mean << " " << scale;
          EXPECT_TRUE(same_bits(got_norms, expected_norms)) << first << " " << mean << " " << scale;
        }
      }
    }
  }

  template <class T>
  void expect_slices_to_have_the_bits_of_the_whole() {
    const auto in = smooth_values<T>(20011);
    const std::uint64_t origin = 1000003;
    const auto whole = noise_on(in, GetParam().variate, T(0.25), T(0.1), origin);
    std::mt19937 random(1);
    std::vector<T> slice;
    for (std::size_t trial = 0; trial < 150; ++trial) {
      const std::size_t begin = trial < 70 ? trial : random() % 15000;
      const std::size_t n = trial < 70 ? random() % 300 : random() % 5000;
      slice.assign(in.begin() + static_cast<std::ptrdiff_t>(begin),
                   in.begin() + static_cast<std::ptrdiff_t>(begin + n));
      slice.push_back(T(7));  // must stay
      add_noise(GetParam().variate, slice.data(), slice.data(), n, T(0.25), T(0.1), kStream, origin + begin);
      ASSERT_TRUE(same_bits(slice.data(), whole.data() + begin, n)) << begin << " " << n;
      ASSERT_EQ(slice[n], T(7));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(On, NoiseBitsTest, testing::ValuesIn(available_cases()), case_name);

TEST_P(NoiseBitsTest, Float32HasTheBitsOfTheReference) { expect_the_bits_of_the_reference<float>(); }
TEST_P(NoiseBitsTest, Float64HasTheBitsOfTheReference) { expect_the_bits_of_the_reference<double>(); }
TEST_P(NoiseBitsTest, Float32SlicesHaveTheBitsOfTheWhole) { expect_slices_to_have_the_bits_of_the_whole<float>(); }
TEST_P(NoiseBitsTest, Float64SlicesHaveTheBitsOfTheWhole) { expect_slices_to_have_the_bits_of_the_whole<double>(); }

TEST(NoiseTest, ABatchOf64HasTheBitsOfTwiceARowOffset32) {
  const std::size_t features = 37;
  const auto in = smooth_values<float>(64 * features);
  for (Variate variate : kVariates) {
    const auto whole = noise_on(in, variate, 0.0f, 0.1f);
    std::vector<float> halves(in.size());
    for (std::size_t row : {0u, 32u}) {
      add_noise(variate, in.data() + row * features, halves.data() + row * features, 32 * features, 0.0f, 0.1f, kStream,
                row * features);
    }
    EXPECT_EQ(halves, whole);
  }
}

TEST(NoiseTest, TwoThreadsGiveTheBitsOfOneNormsIncluded) {
  const std::size_t n = 6 * kNoiseChunk + 777, first = 5000;
  const auto in = smooth_values<float>(n);
  std::vector<float> one(n), two(n);
  const AddedNorms expected =
      add_noise_measured(Variate::kGaussian, in.data(), one.data(), n, 0.1f, 0.3f, kStream, first);

  std::vector<std::size_t> bounds = {0};
  while (bounds.back() < n)
    bounds.push_back(std::min(n, (first + bounds.back()) / kNoiseChunk * kNoiseChunk + kNoiseChunk - first));
  std::vector<AddedNorms> chunks(bounds.size() - 1);
  const auto work = [&](std::size_t begin, std::size_t step) {
    for (std::size_t c = begin; c < chunks.size(); c += step) {
      chunks[c] = add_noise_measured(Variate::kGaussian, in.data() + bounds[c], two.data() + bounds[c],
                                     bounds[c + 1] - bounds[c], 0.1f, 0.3f, kStream, first + bounds[c]);
    }
  };
  std::thread other(work, 1, 2);
  work(0, 2);
  other.join();
  AddedNorms norms;
  for (const AddedNorms& chunk : chunks) norms.append(chunk);
  EXPECT_EQ(one, two);
  EXPECT_TRUE(same_bits(norms, expected));
}

TEST(NoiseTest, InPlaceGivesTheBitsOfOutOfPlace) {
  for (Variate variate : kVariates) {
    const auto in = smooth_values<float>(5000);
    auto in_place = in;
    std::vector<float> out(in.size());
    const AddedNorms a = add_noise_measured(variate, in.data(), out.data(), in.size(), 0.0f, 0.1f, kStream, 11);
    const AddedNorms b =
        add_noise_measured(variate, in_place.data(), in_place.data(), in.size(), 0.0f, 0.1f, kStream, 11);
    EXPECT_EQ(in_place, out);
    EXPECT_TRUE(same_bits(a, b));
  }
}

TEST(NoiseTest, UnalignedMemoryGivesTheSameBits) {
  const auto in = smooth_values<float>(3000);
  const auto expected = noise_on(in, Variate::kGaussian, 0.0f, 0.1f);
  for (std::size_t shift = 1; shift < 16; ++shift) {
    std::vector<float> shifted(in.size() + shift);
    std::copy(in.begin(), in.end(), shifted.begin() + static_cast<std::ptrdiff_t>(shift));
    add_noise(Variate::kGaussian, shifted.data() + shift, shifted.data() + shift, in.size(), 0.0f, 0.1f, kStream, 0);
    EXPECT_TRUE(same_bits(shifted.data() + shift, expected.data(), in.size()));
  }
}

TEST(NoiseTest, NothingIsDoneToNoElements) {
  float untouched = 5;
  const AddedNorms norms = add_noise_measured(Variate::kGaussian, &untouched, &untouched, 0, 0.0f, 1.0f, kStream, 123);
  EXPECT_EQ(untouched, 5);
  EXPECT_EQ(norms.added_squared, 0);
  EXPECT_EQ(norms.input_squared, 0);
  EXPECT_FALSE(norms.changed);
}

// The word of element e as noise.h words it, from stream.h's Philox.
std::uint32_t word_of(std::uint64_t counter, std::uint64_t row, const Stream& s) {
  return philox4x32_10(
      {static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), s.occurrence, s.step},
      s.key)[row];
}

TEST(NoiseTest, AnElementsUniformNumberIsTheWordOfItsAddress) {
  for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1} << 34, (std::uint64_t{1} << 50) + 13}) {
    const auto z = draw<double>(Variate::kUniform, 200, first);
    for (std::uint64_t e = first; e < first + 200; ++e) {
      const std::uint32_t word = word_of(16 * (e / 64) + e % 16, e % 64 / 16, kStream);
      EXPECT_EQ(z[e - first], std::floor(static_cast<std::int32_t>(word) / 256.0) / 8388608.0) << e;
    }
  }
}

TEST(NoiseTest, AnElementsSignIsTheBitOfItsAddress) {
  for (std::uint64_t first : {std::uint64_t{0}, (std::uint64_t{1} << 39) - 2048}) {
    const auto z = draw<float>(Variate::kRademacher, 5000, first);
    for (std::uint64_t e = first; e < first + 5000; ++e) {
      const std::uint32_t word = word_of(16 * (e / 2048) + e % 16, e % 64 / 16, kStream);
      EXPECT_EQ(z[e - first], (word >> (31 - e % 2048 / 64) & 1) != 0 ? -1.0f : 1.0f) << e;
    }
  }
}

TEST(NoiseTest, APairOfGaussiansIsBoxMullerOfItsWords) {
  const auto z = draw<double>(Variate::kGaussian, 64 * 200);
  constexpr double kPi = 3.14159265358979323846;
  for (std::uint64_t e = 0; e < z.size(); ++e) {
    if (e % 32 >= 16) continue;  // rows 0 and 1, 2 and 3 belong together
    const std::uint64_t counter = 16 * (e / 64) + e % 16, row = e % 64 / 16;
    const std::uint32_t radius_word = word_of(counter, row, kStream), q = word_of(counter, row + 1, kStream);
    const double u = (std::floor(radius_word / 2.0) + 0.5) / 2147483648.0, r = std::sqrt(-2 * std::log(u));
    const double t = static_cast<std::int32_t>(q << 2) * (kPi / 4 / 2147483648.0);
    const double cosine = (q >> 31 != 0 ? -1 : 1) * std::cos(t), sine = std::sin(t);
    const bool swap = (q >> 30 & 1) != 0;
    EXPECT_NEAR(z[e], r * (swap ? sine : cosine), 1e-6) << e;
    EXPECT_NEAR(z[e + 16], r * (swap ? cosine : sine), 1e-6) << e;
  }
}

TEST(NoiseTest, ElementsBeyond2To32WordsDoNotRepeat) {
  for (Variate variate : {Variate::kGaussian, Variate::kUniform, Variate::kRademacher}) {
    const std::uint64_t period = std::uint64_t{1} << (variate == Variate::kRademacher ? 39 : 34);
    const auto low = draw<float>(variate, 4096), high = draw<float>(variate, 4096, period);
    int equal = 0;
    for (std::size_t i = 0; i < low.size(); ++i) equal += low[i] == high[i];
    EXPECT_LT(equal, variate == Variate::kRademacher ? 2400 : 50);  // signs agree by half: 11 sd
  }
}

TEST(NoiseTest, AnotherStepOccurrenceOrKeyIsAnotherDraw) {
  const auto base = draw<float>(Variate::kGaussian, 1024);
  Stream step = kStream, occurrence = kStream, key = kStream;
  ++step.step;
  ++occurrence.occurrence;
  ++key.key;
  for (const Stream& other : {step, occurrence, key}) {
    const auto z = draw<float>(Variate::kGaussian, 1024, 0, other);
    int equal = 0;
    for (std::size_t i = 0; i < z.size(); ++i) equal += z[i] == base[i];
    EXPECT_LT(equal, 5);
  }
}

TEST(NoiseTest, AddingARuleOrASiteChangesNoOtherDraw) {
  const auto draw_of = [](const char* site, const char* label) {
    return draw<float>(Variate::kGaussian, 512, 0, make_stream(stream_key(1, 0, site, Direction::kForward, label), 10));
  };
  const auto alone = draw_of("fc1", "a");
  const auto site_added = draw_of("fc2", "a"), rule_added = draw_of("fc1", "b");
  EXPECT_EQ(draw_of("fc1", "a"), alone);
  EXPECT_NE(site_added, alone);
  EXPECT_NE(rule_added, alone);
  EXPECT_NE(site_added, rule_added);
}

template <class T>
void expect_the_stated_rounding() {
  const auto in = smooth_values<T>(1000);
  for (Variate variate : kVariates) {
    const auto z = draw<T>(variate, in.size());
    for (T mean : {T(0), T(0.7)}) {
      const T scale = T(0.1);
      const auto out = noise_on(in, variate, mean, scale);
      for (std::size_t i = 0; i < in.size(); ++i) {
        EXPECT_EQ(out[i], mean == 0 ? std::fma(z[i], scale, in[i]) : in[i] + std::fma(z[i], scale, mean));
      }
    }
  }
}

TEST(NoiseTest, Float32IsRoundedAsStated) { expect_the_stated_rounding<float>(); }
TEST(NoiseTest, Float64IsRoundedAsStated) { expect_the_stated_rounding<double>(); }

TEST(NoiseTest, Float64TakesTheFloat32NumberWidened) {
  for (Variate variate : kVariates) {
    const auto narrow = draw<float>(variate, 3000);
    const auto wide = draw<double>(variate, 3000);
    for (std::size_t i = 0; i < wide.size(); ++i) EXPECT_EQ(wide[i], static_cast<double>(narrow[i]));
  }
}

TEST(NoiseTest, AConstantIsMeanPlusScale) {
  for (float x : noise_on(std::vector<float>(300, 1.0f), Variate::kConstant, 0.25f, 0.5f)) EXPECT_EQ(x, 1.75f);
  for (float x : noise_on(std::vector<float>(300, 1.0f), Variate::kConstant, 0.0f, -2.0f)) EXPECT_EQ(x, -1.0f);
}

}  // namespace
}  // namespace gradquake
