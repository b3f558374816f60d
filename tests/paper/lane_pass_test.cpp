#include "gradquake/paper/lane_pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <span>

#include "gradquake/hooks/random/noise_reference.h"
#include "gradquake/paper/aligned.h"

namespace gradquake::paper {
namespace {

constexpr std::size_t kSamples = 3 * kBlock;

struct Sums {
  AlignedDoubles clean, shifted;
};

struct Input {
  std::size_t features;
  AlignedDoubles rows, weights;
  std::vector<double> draws, half_width, mean;

  LaneMatrix matrix() const { return {rows.data(), kSamples, features}; }
  LaneShift shift(bool per_sample) const { return {draws.data(), per_sample, half_width.data(), mean.data()}; }
  double draw(std::size_t sample, bool per_sample) const { return draws[per_sample ? sample : 0]; }
};

Input random_input(std::size_t features, double weight_scale) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  Input input{features, AlignedDoubles(kSamples * features), AlignedDoubles(features * kLanes), {}, {}, {}};
  for (double& value : input.rows) value = normal(generator);
  for (double& value : input.weights) value = weight_scale * normal(generator);
  for (std::size_t l = 0; l < kSamples; ++l)
    input.draws.push_back(std::uniform_real_distribution<double>(-1, 1)(generator));
  for (std::size_t r = 0; r < kLanes; ++r) {
    input.half_width.push_back(0.1 * static_cast<double>(r));
    input.mean.push_back(r % 2 == 0 ? 0 : 0.2);
  }
  return input;
}

Sums pass(const Input& input, bool per_sample) {
  Sums sums{AlignedDoubles(input.features * kLanes), AlignedDoubles(input.features * kLanes)};
  lane_pass(input.matrix(), input.weights.data(), input.shift(per_sample), sums.clean.data(), sums.shifted.data());
  return sums;
}

AlignedDoubles clean_pass(const Input& input) {
  AlignedDoubles clean(input.features * kLanes);
  lane_pass(input.matrix(), input.weights.data(), clean.data());
  return clean;
}

// The definition in long double.
long double expected(const Input& input, std::size_t feature, std::size_t lane, std::optional<bool> per_sample) {
  long double sum = 0;
  for (std::size_t l = 0; l < kSamples; ++l) {
    long double x = 0;
    for (std::size_t j = 0; j < input.features; ++j) {
      x += static_cast<long double>(input.rows[l * input.features + j]) * input.weights[j * kLanes + lane];
    }
    if (per_sample) x += std::fma(input.draw(l, *per_sample), input.half_width[lane], input.mean[lane]);
    sum += input.rows[l * input.features + feature] / (1 + std::exp(-x));
  }
  return sum;
}

TEST(LanePassTest, SumsAgreeWithTheDefinitionToTheLastBits) {
  for (const std::size_t features : {1, 3, 10, 13, 20}) {
    const Input input = random_input(features, 1.5);
    const AlignedDoubles clean = clean_pass(input);
    for (const bool per_sample : {false, true}) {
      const Sums sums = pass(input, per_sample);
      for (std::size_t j = 0; j < features; ++j) {
        for (std::size_t r = 0; r < kLanes; ++r) {
          const std::size_t at = j * kLanes + r;
          EXPECT_NEAR(clean[at], static_cast<double>(expected(input, j, r, std::nullopt)), 1e-12);
          EXPECT_NEAR(sums.shifted[at], static_cast<double>(expected(input, j, r, per_sample)), 1e-12);
          EXPECT_NEAR(sums.clean[at], clean[at], 1e-12) << "the exact gradient must not depend on the perturbation";
        }
      }
    }
  }
}

TEST(LanePassTest, ActivationsBeyondTenThousandAreExact) {
  Input input = random_input(2, 0);
  for (std::size_t r = 0; r < kLanes; ++r) {
    input.weights[r] = (r % 2 == 0 ? 1 : -1) * 2e4 * static_cast<double>(r + 1);
  }
  const AlignedDoubles clean = clean_pass(input);
  const Sums sums = pass(input, true);
  for (std::size_t j = 0; j < 2; ++j) {
    for (std::size_t r = 0; r < kLanes; ++r) {
      EXPECT_NEAR(clean[j * kLanes + r], static_cast<double>(expected(input, j, r, std::nullopt)), 1e-12);
      EXPECT_NEAR(sums.shifted[j * kLanes + r], static_cast<double>(expected(input, j, r, true)), 1e-12);
    }
  }
}

TEST(LanePassTest, TheSigmoidIsTheOneItSaysOverTheWholeRange) {
  double worst = 0;
  for (double x = -138; x <= 138; x += 0.0137) {
    Input input = random_input(1, 0);
    std::fill(input.rows.begin(), input.rows.end(), 0.0);
    input.rows[0] = 1;
    std::fill(input.weights.begin(), input.weights.end(), x);
    const long double sigma = 1 / (1 + std::exp(-static_cast<long double>(x)));
    const long double padding = 0;  // rows of zeros add nothing
    const auto error = static_cast<double>(std::fabs((clean_pass(input)[0] - padding) / sigma - 1));
    worst = std::max(worst, error / (1e-15 * (1 + std::fabs(x) / 4)));
  }
  EXPECT_LT(worst, 1.0);
  EXPECT_GT(worst, 0.05) << "the stated bound should say something";
}

TEST(LanePassTest, RowsOfZerosAddNothing) {
  Input input = random_input(4, 1);
  const AlignedDoubles whole = clean_pass(input);
  std::fill(input.rows.begin() + 2 * kBlock * 4, input.rows.end(), 0.0);
  AlignedDoubles padded = clean_pass(input), shorter(4 * kLanes);
  lane_pass({input.rows.data(), 2 * kBlock, 4}, input.weights.data(), shorter.data());
  EXPECT_EQ(padded, shorter);
  EXPECT_NE(padded, whole);
}

TEST(LanePassTest, EveryLaneIsARunOfItsOwn) {
  Input input = random_input(10, 1);
  const Sums before = pass(input, true);
  for (std::size_t j = 0; j < 10; ++j) input.weights[j * kLanes + 3] = 77;
  const Sums after = pass(input, true);
  for (std::size_t at = 0; at < 10 * kLanes; ++at) {
    if (at % kLanes == 3) continue;
    EXPECT_EQ(before.clean[at], after.clean[at]);
    EXPECT_EQ(before.shifted[at], after.shifted[at]);
  }
}

// FNV-1a over the bits.
std::uint64_t digest(std::initializer_list<std::span<const double>> parts) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& part : parts) {
    for (const double value : part) hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3;
  }
  return hash;
}

// A processor may have one of them only, so the bits themselves are known: those of AVX2.
TEST(LanePassTest, EveryInstructionSetGivesTheKnownBits) {
  Input input = random_input(10, 2);
  std::mt19937_64 generator(11);
  const auto exact = [&generator] { return static_cast<double>(generator() >> 11) * 0x1p-52 - 1; };  // no libm in it
  for (auto* values : {&input.rows, &input.weights}) std::generate(values->begin(), values->end(), exact);
  std::generate(input.draws.begin(), input.draws.end(), exact);
  for (const InstructionSet set : {InstructionSet::kAvx512, InstructionSet::kAvx2}) {
    if (!instruction_set_available(set)) continue;
    force_instruction_set(set);
    const Sums sums = pass(input, true);
    std::vector<double> products(10);
    column_products(input.rows.data(), kSamples, 10, input.draws.data(), products.data());
    EXPECT_EQ(digest({sums.clean, sums.shifted, products}), 16465412123090311064u);
  }
  force_instruction_set(std::nullopt);
}

TEST(LanePassTest, ColumnProductsAreDotProducts) {
  const Input input = random_input(5, 1);
  std::vector<double> products(5);
  column_products(input.rows.data(), kSamples, 5, input.draws.data(), products.data());
  for (std::size_t j = 0; j < 5; ++j) {
    long double sum = 0;
    for (std::size_t l = 0; l < kSamples; ++l) {
      sum += static_cast<long double>(input.rows[j * kSamples + l]) * input.draws[l];
    }
    EXPECT_NEAR(products[j], static_cast<double>(sum), 1e-12);
  }
}

}  // namespace
}  // namespace gradquake::paper
