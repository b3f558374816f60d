// Number formats and the rounding to them, against a definition written out in float64 and against themselves. What
// LibTorch can cast is compared bit by bit in rounding_cast_test.cpp.
#include "gradquake/hooks/formats/rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gradquake/hooks/formats/number_format.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/noise_reference.h"

namespace gradquake {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

FloatFormat float_format(const std::string& name) { return std::get<FloatFormat>(number_format(name)); }
BlockFormat block_format(const std::string& name) { return std::get<BlockFormat>(number_format(name)); }

const char* const kFloats[] = {"bf16", "fp16", "e4m3fn", "e5m2", "e2m1fn", "e2m3fn", "e3m2fn",
                               "e2m1", "e3m4", "e4m3",   "e8m1", "e6m9",   "e8m22",  "e7m22fn"};

// Every non-negative number of a format, in order, from its definition.
std::vector<double> numbers_of(const FloatFormat& format) {
  std::vector<double> numbers;
  const std::int64_t steps = std::int64_t{1} << format.mantissa_bits;
  for (std::int64_t m = 0; m < steps; ++m)
    numbers.push_back(std::ldexp(static_cast<double>(m), format.lowest_exponent - format.mantissa_bits));
  for (int e = format.lowest_exponent; e <= format.highest_exponent; ++e) {
    for (std::int64_t m = 0; m < steps; ++m) {
      const double x = std::ldexp(static_cast<double>(steps + m), e - format.mantissa_bits);
      if (x <= format.largest) numbers.push_back(x);
    }
  }
  return numbers;
}

// To the nearest by the definition: the quantum of x's binade, ties to the even multiple of it.
double nearest(double x, const FloatFormat& format, Overflow overflow) {
  if (std::isnan(x)) return x;
  const int exponent = x == 0 ? format.lowest_exponent : std::max(std::ilogb(x), format.lowest_exponent);
  const double quantum = std::ldexp(1.0, exponent - format.mantissa_bits);
  const double rounded = std::isinf(x) ? x : std::nearbyint(x / quantum) * quantum;
  if (std::fabs(rounded) <= format.largest) return std::copysign(rounded, x);
  if (overflow == Overflow::kSaturate) return std::copysign(format.largest, x);
  return format.has_infinity ? std::copysign(HUGE_VAL, x) : std::nan("");
}

// Numbers of every size, of both signs, and what lies between.
template <class T>
std::vector<T> spread(std::size_t count) {
  std::vector<float> uniform(2 * count);
  add_noise(Variate::kUniform, uniform.data(), uniform.data(), uniform.size(), 0.0f, 1.0f, {5, 0, 0}, 0);
  std::vector<T> values = {0, T{-0.0}, T(kInf), T(-kInf), std::numeric_limits<T>::quiet_NaN(), T{448}, T{464}, T{480}};
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(
        static_cast<T>(std::ldexp(static_cast<double>(uniform[2 * i]), static_cast<int>(uniform[2 * i + 1] * 150))));
  return values;
}

template <class T>
std::vector<T> rounded(const std::vector<T>& in, const FloatFormat& format, Overflow overflow = Overflow::kSaturate,
                       const float* uniform = nullptr) {
  std::vector<T> out(in.size());
  round_to_float(in.data(), out.data(), in.size(), format, overflow, uniform);
  return out;
}

bool same_number(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

TEST(NumberFormatTest, TheLargestNumbersAreThoseOfTheSpecifications) {
  const std::pair<const char*, double> largest[] = {
      {"e4m3fn", 448}, {"e5m2", 57344}, {"fp16", 65504}, {"e2m1fn", 6},
      {"e2m3fn", 7.5}, {"e3m2fn", 28},  {"e4m3", 240},   {"bf16", 3.3895313892515355e38}};
  for (const auto& [name, value] : largest) EXPECT_EQ(float_format(name).largest, value) << name;
  EXPECT_EQ(numbers_of(float_format("e4m3fn")).size(), 127u);  // half of 256 codes, but for NaN
  EXPECT_EQ(numbers_of(float_format("e5m2")).size(), 124u);    // and but for inf and three NaN
  EXPECT_EQ(numbers_of(float_format("e2m1fn")), (std::vector<double>{0, 0.5, 1, 1.5, 2, 3, 4, 6}));
}

TEST(NumberFormatTest, UnknownNamesAreRefused) {
  for (const char* name : {"", "int0", "int1", "int17", "int", "e1m3", "e9m3", "e4m0", "e4m23", "e4", "m3", "e8m7fn",
                           "e4m3fnx", "e-4m3", "mxfp5", "float8", "int8 "})
    EXPECT_THROW(number_format(name), std::invalid_argument) << name;
}

TEST(RoundingTest, EveryNumberOfAFormatIsAFixedPoint) {
  for (const char* name : {"bf16", "fp16", "e4m3fn", "e5m2", "e2m1fn", "e2m3fn", "e3m2fn", "e3m4", "e6m9"}) {
    const FloatFormat format = float_format(name);
    std::vector<double> numbers = numbers_of(format);
    for (std::size_t i = 0, n = numbers.size(); i < n; ++i) numbers.push_back(-numbers[i]);
    const std::vector<float> single(numbers.begin(), numbers.end()), half(numbers.size(), 0.5f);
    EXPECT_EQ(rounded(single, format), single) << name;
    EXPECT_EQ(rounded(single, format, Overflow::kIeee, half.data()), single) << name;
    EXPECT_EQ(rounded(numbers, format), numbers) << name;
    EXPECT_EQ(rounded(numbers, format, Overflow::kSaturate, half.data()), numbers) << name;
  }
}

TEST(RoundingTest, ToTheNearestIsTheDefinition) {
  for (const char* name : kFloats) {
    const FloatFormat format = float_format(name);
    for (const Overflow overflow : {Overflow::kSaturate, Overflow::kIeee}) {
      const std::vector<float> in = spread<float>(20000);
      const std::vector<float> out = rounded(in, format, overflow);
      for (std::size_t i = 0; i < in.size(); ++i)
        ASSERT_TRUE(same_number(out[i], nearest(in[i], format, overflow))) << name << " " << in[i] << " " << out[i];
      const std::vector<double> wide = spread<double>(20000);
      const std::vector<double> wide_out = rounded(wide, format, overflow);
      for (std::size_t i = 0; i < wide.size(); ++i)
        ASSERT_TRUE(same_number(wide_out[i], nearest(wide[i], format, overflow))) << name << " " << wide[i];
    }
  }
}

TEST(RoundingTest, IsMonotone) {
  for (const char* name : kFloats) {
    std::vector<float> in = spread<float>(50000);
    std::erase_if(in, [](float x) { return std::isnan(x); });
    std::sort(in.begin(), in.end());
    const std::vector<float> out = rounded(in, float_format(name));
    EXPECT_TRUE(std::is_sorted(out.begin(), out.end())) << name;
  }
}

// The mean of n draws lies within 5 standard deviations of x (false alarm 6e-7 a number); a step apart at most.
TEST(RoundingTest, StochasticRoundingHasNoBias) {
  constexpr std::size_t kDraws = 200000;
  std::vector<float> u(kDraws, 0.5f);
  add_noise(Variate::kUniform, u.data(), u.data(), kDraws, 0.0f, 0.5f, {11, 3, 0}, 0);
  for (const char* name : {"e4m3fn", "e5m2", "e2m1fn", "bf16", "e8m22"}) {
    const FloatFormat format = float_format(name);
    for (const double x : {1.37, -2.71, 0.001, 5.9, 3.0000001, -0.0009, 0.26}) {
      const double quantum = std::ldexp(1.0, std::max(std::ilogb(x), format.lowest_exponent) - format.mantissa_bits);
      const auto spread_of_mean = [&](double value) {
        const double share = std::fabs(std::fmod(value, quantum)) / quantum;
        return quantum * std::sqrt(share * (1 - share) / kDraws);
      };
      const std::vector<float> out =
          rounded(std::vector<float>(kDraws, static_cast<float>(x)), format, Overflow::kSaturate, u.data());
      const std::vector<double> wide = rounded(std::vector<double>(kDraws, x), format, Overflow::kSaturate, u.data());
      double sum = 0, wide_sum = 0;
      for (std::size_t i = 0; i < kDraws; ++i) {
        ASSERT_LE(std::fabs(out[i] - x), quantum * 1.0001) << name << " " << x;
        sum += out[i] - static_cast<double>(static_cast<float>(x)), wide_sum += wide[i] - x;
      }
      const double resolution = quantum * 0x1p-24;
      EXPECT_NEAR(sum / kDraws, 0, 5 * spread_of_mean(static_cast<float>(x)) + resolution) << name << " " << x;
      EXPECT_NEAR(wide_sum / kDraws, 0, 5 * spread_of_mean(x) + resolution) << name << " " << x;
    }
  }
}

TEST(RoundingTest, EveryInstructionSetGivesTheSameBits) {
  const std::vector<float> in = spread<float>(5003);
  std::vector<float> u(in.size(), 0.5f);
  add_noise(Variate::kUniform, u.data(), u.data(), u.size(), 0.0f, 0.5f, {12, 3, 0}, 0);
  const auto all = [&] {
    std::vector<float> results, out(in.size());
    const auto take = [&] { results.insert(results.end(), out.begin(), out.end()); };
    for (const float* uniform : {static_cast<const float*>(nullptr), static_cast<const float*>(u.data())}) {
      for (const char* name : kFloats) {
        round_to_float(in.data(), out.data(), in.size(), float_format(name), Overflow::kIeee, uniform);
        take();
      }
      for (const char* name : {"mxfp8", "mxfp6", "mxfp4", "mxint8", "nvfp4"}) {
        round_to_blocks(in.data(), out.data(), in.size(), block_format(name), 0.01f, uniform);
        take();
      }
      round_to_grid(in.data(), out.data(), in.size(), IntegerGrid<float>{0.03f, 5, 0, 255}, uniform);
      take();
    }
    const Extent<float> extent = finite_extent(in.data(), in.size());
    results.insert(results.end(), {extent.lowest, extent.highest});
    return results;
  };
  force_instruction_set(InstructionSet::kScalar);
  const std::vector<float> expected = all();
  for (const InstructionSet set : {InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (!instruction_set_available(set)) continue;
    force_instruction_set(set);
    const std::vector<float> got = all();
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(expected[i])) << i;
  }
  force_instruction_set(std::nullopt);
}

TEST(RoundingTest, AGridIsTheDefinition) {
  const std::vector<float> in = spread<float>(20000);
  const IntegerGrid<float> grid{0.037f, 11, -100, 90};
  std::vector<float> out(in.size());
  round_to_grid(in.data(), out.data(), in.size(), grid, nullptr);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const float code = std::clamp(std::nearbyint(in[i] / grid.step) + grid.zero, grid.lowest, grid.highest);
    const float expected = std::isnan(in[i]) ? in[i] : (code - grid.zero) * grid.step;
    ASSERT_TRUE(out[i] == expected || std::isnan(expected)) << in[i] << " " << out[i];
  }
}

// X = 2^(floor(log2 amax) - emax), elements rounded in units of X: OCP Microscaling Formats (1.0, 2023), section 6.3.
TEST(RoundingTest, BlocksAreTheDefinitionOfTheOcp) {
  std::vector<float> in = spread<float>(1000);
  std::erase_if(in, [](float x) { return !std::isfinite(x); });
  in.resize(937);  // the last block is shorter
  for (const char* name : {"mxfp8", "mxfp8_e5m2", "mxfp6", "mxfp6_e3m2", "mxfp4", "mxint8"}) {
    const BlockFormat format = block_format(name);
    std::vector<float> out(in.size());
    round_to_blocks(in.data(), out.data(), in.size(), format, 0.0f, nullptr);
    for (std::size_t begin = 0; begin < in.size(); begin += 32) {
      const std::size_t end = std::min(in.size(), begin + 32);
      double amax = 0;
      for (std::size_t i = begin; i < end; ++i) amax = std::max(amax, std::fabs(static_cast<double>(in[i])));
      const int emax = format.integer ? 0 : format.element.highest_exponent;
      const double scale = std::ldexp(1.0, amax == 0 ? -127 : std::clamp(std::ilogb(amax) - emax, -127, 127));
      for (std::size_t i = begin; i < end; ++i) {
        const double x = in[i] / scale;
        const double element = format.integer ? std::clamp(std::nearbyint(x * 64), -127.0, 127.0) / 64
                                              : nearest(x, format.element, Overflow::kSaturate);
        ASSERT_EQ(out[i], static_cast<float>(element * scale)) << name << " " << in[i];
      }
    }
  }
}

TEST(RoundingTest, NumbersThatAreNotFiniteHaveNoPartInAScale) {
  std::vector<float> in(32, 0.75f), out(32);
  in[3] = std::nanf(""), in[4] = kInf, in[5] = -kInf, in[6] = -0.0f;
  round_to_blocks(in.data(), out.data(), in.size(), block_format("mxfp4"), 0.0f, nullptr);
  EXPECT_EQ(out[0], 0.75f);  // 6 * 2^-3
  EXPECT_TRUE(std::isnan(out[3]));
  EXPECT_EQ(out[4], 0.75f);
  EXPECT_EQ(out[5], -0.75f);
  EXPECT_TRUE(out[6] == 0 && std::signbit(out[6]));
  const Extent<float> extent = finite_extent(in.data(), in.size());
  EXPECT_EQ(extent.lowest, -0.0f);
  EXPECT_EQ(extent.highest, 0.75f);
}

TEST(RoundingTest, Nvfp4HasAScaleOfItsOwnEverySixteenElements) {
  std::vector<float> in(32), out(32);
  for (std::size_t i = 0; i < 32; ++i) in[i] = i < 16 ? static_cast<float>(1 + i) : 0.01f * static_cast<float>(i);
  const float tensor_scale = 16.0f / (6 * 448);
  round_to_blocks(in.data(), out.data(), in.size(), block_format("nvfp4"), tensor_scale, nullptr);
  for (std::size_t block = 0; block < 2; ++block) {
    const float amax = block == 0 ? 16.0f : in[31];
    const auto scale = static_cast<float>(
        tensor_scale * nearest(amax / 6 / tensor_scale, float_format("e4m3fn"), Overflow::kSaturate));
    for (std::size_t i = 16 * block; i < 16 * block + 16; ++i) {
      const float expected =
          static_cast<float>(nearest(in[i] * (1 / scale), float_format("e2m1fn"), Overflow::kSaturate)) * scale;
      EXPECT_EQ(out[i], expected) << i;
    }
  }
}

}  // namespace
}  // namespace gradquake
