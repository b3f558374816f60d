// Rounding against LibTorch's own casts, float32 bit pattern by bit pattern. In the suite one pattern in 256, of every
// sign, exponent and upper mantissa; all 2^32 by GRADQUAKE_ALL_PATTERNS=1 hooks_test --gtest_filter='RoundingCast*'.
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "gradquake/hooks/formats/rounding.h"

namespace gradquake {
namespace {

constexpr std::uint64_t kPatterns = std::uint64_t{1} << 32, kChunk = std::uint64_t{1} << 20;

void expect_the_cast(const char* format, Overflow overflow, torch::ScalarType dtype) {
  const auto of = std::get<FloatFormat>(number_format(format));
  const bool all = std::getenv("GRADQUAKE_ALL_PATTERNS") != nullptr;
  const std::uint64_t stride = all ? 1 : 251;  // prime: every residue of the lower bits comes up
  std::vector<float> in, out;
  const auto compare = [&] {
    out.resize(in.size());
    round_to_float(in.data(), out.data(), in.size(), of, overflow, nullptr);
    const auto size = static_cast<std::int64_t>(in.size());
    const torch::Tensor cast = at::from_blob(in.data(), {size}).to(dtype).to(torch::kFloat32);
    const torch::Tensor ours = at::from_blob(out.data(), {size});
    const torch::Tensor equal = (ours.view(torch::kInt32) == cast.view(torch::kInt32)) | (ours.isnan() & cast.isnan());
    if (!equal.all().item<bool>()) {
      const auto i = equal.logical_not().nonzero()[0].item<std::int64_t>();
      FAIL() << format << ": " << in[static_cast<std::size_t>(i)] << " -> " << out[static_cast<std::size_t>(i)]
             << ", cast " << cast[i].item<float>();
    }
    in.clear();
  };
  for (std::uint64_t bits = 0; bits < kPatterns; bits += stride) {
    in.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    if (in.size() == kChunk) {
      compare();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  compare();
}

TEST(RoundingCastTest, Bf16IsLibTorchs) { expect_the_cast("bf16", Overflow::kIeee, torch::kBFloat16); }
TEST(RoundingCastTest, Fp16IsLibTorchs) { expect_the_cast("fp16", Overflow::kIeee, torch::kFloat16); }
TEST(RoundingCastTest, E5m2IsLibTorchs) { expect_the_cast("e5m2", Overflow::kIeee, torch::kFloat8_e5m2); }
TEST(RoundingCastTest, E4m3fnIsLibTorchs) { expect_the_cast("e4m3fn", Overflow::kSaturate, torch::kFloat8_e4m3fn); }

}  // namespace
}  // namespace gradquake
