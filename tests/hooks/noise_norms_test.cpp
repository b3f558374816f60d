// The norms that noise reports of what it added, beside its bits.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/noise_reference.h"
#include "noise_values.h"

namespace gradquake {
namespace {

template <class T>
void expect_norms_of(const std::vector<T>& in, T mean, T scale, double relative_error) {
  for (Variate variate : kVariates) {
    const auto z = draw<double>(variate, in.size(), 3);
    std::vector<T> out(in.size());
    const AddedNorms norms = add_noise_measured(variate, in.data(), out.data(), in.size(), mean, scale, kStream, 3);
    long double added = 0, input = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const long double a = static_cast<long double>(mean) + static_cast<long double>(scale) * z[i], x = in[i];
      added += a * a;
      input += x * x;
    }
    EXPECT_NEAR(norms.added_squared / static_cast<double>(added), 1, relative_error);
    EXPECT_NEAR(norms.input_squared / static_cast<double>(input), 1, relative_error);
  }
}

TEST(NoiseNormsTest, Float32NormsEqualTheirSumsTo1e6) {
  expect_norms_of(smooth_values<float>(40000), 0.0f, 0.1f, 1e-6);
  expect_norms_of(smooth_values<float>(40000), 0.3f, 0.1f, 1e-6);
  expect_norms_of(smooth_values<float>(40000), 1e-20f, 1e-30f, 1e-6);
}

TEST(NoiseNormsTest, Float64NormsEqualTheirSumsTo1e13) {
  expect_norms_of(smooth_values<double>(40000), 0.0, 0.1, 1e-13);
  expect_norms_of(smooth_values<double>(40000), 0.3, -0.1, 1e-13);
}

TEST(NoiseNormsTest, NormsOfNumbersBeyondTheSquareOfFloat32AreRight) {
  for (float magnitude : {1e20f, 3e38f, 1e-25f, 1e-44f}) {
    auto in = smooth_values<float>(1000);
    for (float& x : in) x = x > 0.5f ? magnitude : 0.0f;
    expect_norms_of(in, 0.0f, magnitude, 1e-6);
  }
}

TEST(NoiseNormsTest, ALoneLargeNumberAmongTinyOnesIsNotLost) {
  auto in = smooth_values<float>(2048);
  for (float& x : in) x *= 1e-28f;
  in[700] = 1e25f;
  expect_norms_of(in, 0.0f, 0.1f, 1e-6);
}

TEST(NoiseNormsTest, NormsOfLargeTinyAndZeroTensorsHaveTheReferencesBits) {
  for (float magnitude : {0.0f, 1e20f, 1e-25f, 1e-40f}) {
    auto in = smooth_values<float>(3000);
    for (float& x : in) x *= magnitude;
    std::vector<float> out(in.size());
    const AddedNorms expected =
        add_noise_measured_reference(Variate::kUniform, in.data(), out.data(), in.size(), 0.0f, magnitude, kStream, 5);
    for (InstructionSet set : {InstructionSet::kAvx2, InstructionSet::kAvx512}) {
      if (!instruction_set_available(set)) continue;
      force_instruction_set(set);
      EXPECT_TRUE(same_bits(
          add_noise_measured(Variate::kUniform, in.data(), out.data(), in.size(), 0.0f, magnitude, kStream, 5),
          expected));
    }
    force_instruction_set(std::nullopt);
  }
}

TEST(NoiseNormsTest, NormsOfNonFiniteNumbersAreNotFinite) {
  for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    auto in = smooth_values<float>(1000);
    in[333] = bad;
    std::vector<float> out(in.size());
    EXPECT_FALSE(
        std::isfinite(add_noise_measured(Variate::kGaussian, in.data(), out.data(), in.size(), 0.0f, 0.1f, kStream, 0)
                          .input_squared));
  }
}

TEST(NoiseNormsTest, APerturbationBelowTheResolutionIsSeenToChangeNothing) {
  const std::vector<float> ones(1000, 1.0f);
  std::vector<float> out(1000);
  const auto norms_at = [&](float scale) {
    return add_noise_measured(Variate::kGaussian, ones.data(), out.data(), ones.size(), 0.0f, scale, kStream, 0);
  };
  EXPECT_FALSE(norms_at(0.0f).changed);
  EXPECT_EQ(norms_at(0.0f).added_squared, 0);
  EXPECT_FALSE(norms_at(1e-12f).changed);
  EXPECT_NEAR(norms_at(1e-12f).added_squared, 1e-21, 2e-22);
  EXPECT_TRUE(norms_at(1e-3f).changed);
}

TEST(NoiseNormsTest, OneChangedElementIsEnough) {
  std::vector<float> in(5000, 1e30f), out(5000);
  in[4321] = 0;
  EXPECT_TRUE(
      add_noise_measured(Variate::kRademacher, in.data(), out.data(), in.size(), 0.0f, 1.0f, kStream, 0).changed);
}

TEST(NoiseNormsTest, AMeanThatTheConstantTakesBackAddsNothing) {
  const auto in = smooth_values<float>(1000);
  std::vector<float> out(in.size());
  const AddedNorms norms =
      add_noise_measured(Variate::kConstant, in.data(), out.data(), in.size(), 0.5f, -0.5f, kStream, 0);
  EXPECT_EQ(norms.added_squared, 0);
  EXPECT_FALSE(norms.changed);
}

}  // namespace
}  // namespace gradquake
