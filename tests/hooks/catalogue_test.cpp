// Every kind of the catalogue against its definition.
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_svd.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/formats/rounding.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::perturbed;
using test::random;
using torch::Tensor;

Rule rule_of(KindSpec perturbation) {
  Rule rule;
  rule.label = "r";
  rule.perturbation = std::move(perturbation);
  return rule;
}

Tensor outcome(KindSpec perturbation, const Tensor& tensor, StepContext context = {}) {
  return perturbed(rule_of(std::move(perturbation)), tensor, std::move(context));
}

// Equal, NaN for NaN.
bool same(const Tensor& a, const Tensor& b) { return (a.eq(b) | (a.isnan() & b.isnan())).all().item<bool>(); }

// One of each, with what it takes to be at work on a tensor [8, 6, 5].
const std::vector<KindSpec> kKinds = {
    {"multiplicative", {{"scale", 0.5}}},
    {"laplace", {{"scale", 0.5}}},
    {"scale", {{"factor", 1.5}}},
    {"round", {{"format", "e4m3fn"}}},
    {"round", {{"format", "e5m2"}, {"rounding", "stochastic"}}},
    {"round", {{"format", "int4"}, {"per", "token"}, {"rounding", "stochastic"}}},
    {"round", {{"format", "mxfp4"}, {"rounding", "stochastic"}}},
    {"top_k", {{"share", 0.25}}},
    {"random_k", {{"count", 3}}},
    {"threshold", {{"below", 0.5}}},
    {"bit_flip", {{"rate", 0.05}}},
    {"bit_flip", {{"count", 2}, {"bits", "mantissa"}, {"view", "bf16"}}},
    {"stuck_at", {{"share", 0.3}, {"value", 2.0}}},
    {"zero", {{"share", 0.3}}},
    {"zero", {{"share", 0.5}, {"of", "channel"}}},
    {"zero", {{"share", 0.5}, {"of", "sample"}}},
    {"round", {{"format", "int8"}}},
    {"round", {{"format", "int3"}, {"per", "channel"}, {"symmetric", false}}},
    {"round", {{"format", "nvfp4"}}},
    {"bit_flip", {{"rate", 0.1}, {"view", "int8"}}},
    {"low_rank", {{"rank", 2}}},
    {"swap", {{"share", 1.0}}},
};

TEST(CatalogueTest, EveryKindKeepsShapeStridesAndDtypeAndItsInput) {
  for (const KindSpec& kind : kKinds) {
    for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kBFloat16, torch::kFloat16}) {
      for (const Tensor& y : {random({8, 6, 5}, 1, dtype), random({8, 5, 6}, 1, dtype).transpose(1, 2)}) {
        const Tensor before = y.clone();
        const Tensor value = outcome(kind, y);
        EXPECT_EQ(value.sizes(), y.sizes()) << words_of(kind);
        EXPECT_EQ(value.scalar_type(), dtype) << words_of(kind);
        EXPECT_FALSE(at::equal(value, y)) << words_of(kind);
        EXPECT_TRUE(at::equal(y, before)) << words_of(kind);
        EXPECT_TRUE(same(value, outcome(kind, y))) << words_of(kind);  // the same address, the same outcome
      }
    }
  }
}

TEST(CatalogueTest, SplittingABatchChangesNoKindOfElementsOrSamples) {
  const Tensor y = random({8, 6, 5}, 1, torch::kFloat32);
  for (const KindSpec& kind : kKinds) {
    if (make_perturbation(kind)->scope() == Scope::kBatch) continue;
    const Tensor whole = outcome(kind, y);
    const Tensor first = outcome(kind, y.slice(0, 0, 3), {.rows = 3});
    const Tensor second = outcome(kind, y.slice(0, 3), {.first_row = 3, .rows = 5});
    EXPECT_TRUE(same(torch::cat({first, second}), whole)) << words_of(kind);
  }
}

TEST(CatalogueTest, EveryKindPerturbsGradientsToo) {
  for (const KindSpec& kind : kKinds) {
    Rule rule = rule_of(kind);
    rule.direction = Direction::kBackward;
    Plan plan({rule}, {.seed = 7, .run_steps = 10});
    const Tensor x = torch::ones({8, 6, 5}).requires_grad_(), weight = random({8, 6, 5}, 2, torch::kFloat32);
    {
      PlanScope scope(plan, {.rows = 8, .loss_divisor = 1});
      (tap("site", x * 1) * weight).sum().backward();
    }
    EXPECT_FALSE(at::equal(x.grad(), weight)) << words_of(kind);
    EXPECT_EQ(plan.ledger().take_entries().at(0).direction, "backward");
  }
}

TEST(CatalogueTest, MultiplicativeNoiseIsProportionalToItsValue) {
  const Tensor y = random({4, 3}, 1);
  const Tensor z = test::draws({4, 3}, Variate::kUniform, 0.1, 0.5, 7, "site", Direction::kForward, "r", 0);
  const Tensor value = outcome({"multiplicative", {{"scale", 0.5}, {"mean", 0.1}, {"noise", "uniform"}}}, y);
  EXPECT_TRUE(torch::allclose(value, y * (1 + z), 1e-15, 0));
  const Tensor per_sample = outcome({"multiplicative", {{"scale", 0.5}, {"draw", "per_sample"}}}, torch::ones({4, 3}));
  EXPECT_TRUE(at::equal(per_sample, per_sample.slice(1, 0, 1).expand({4, 3})));
}

TEST(CatalogueTest, AGainErrorMultiplies) {
  EXPECT_TRUE(at::equal(outcome({"scale", {{"factor", 1.25}}}, torch::ones({4})), torch::full({4}, 1.25)));
  Rule decaying = rule_of({"scale", {{"factor", 3.0}}});
  decaying.schedule = {"every", {{"amplitude", KindSpec{"decay", {{"power", 1.0}}}}}};
  EXPECT_TRUE(at::equal(perturbed(decaying, torch::ones({4}), {.step = 3}), torch::full({4}, 1.5)));
}

TEST(CatalogueTest, TopKKeepsTheLargestOfEachSampleOrOfTheTensor) {
  const Tensor y = torch::tensor({{1.0, -5.0, 2.0, 0.5}, {0.1, 0.3, -0.2, 0.4}});
  EXPECT_TRUE(
      at::equal(outcome({"top_k", {{"share", 0.5}}}, y), torch::tensor({{0.0, -5.0, 2.0, 0.0}, {0.0, 0.3, 0.0, 0.4}})));
  EXPECT_TRUE(at::equal(outcome({"top_k", {{"count", 3}, {"of", "tensor"}}}, y),
                        torch::tensor({{1.0, -5.0, 2.0, 0.0}, {0.0, 0.0, 0.0, 0.0}})));
  EXPECT_EQ((outcome({"top_k", {{"share", 1e-9}}}, y) != 0).sum().item<std::int64_t>(), 2);  // one at least
}

// Without replacement: exactly k of each sample. Each element is kept with probability k / n (5 standard deviations
// over 2,000 steps: false alarm 6e-7 an element), and 1/share leaves no bias.
TEST(CatalogueTest, RandomKKeepsKElementsAllEquallyLikely) {
  constexpr int kSteps = 2000;
  Plan plan({rule_of({"random_k", {{"count", 3}}})}, {.seed = 7, .run_steps = kSteps});
  Tensor sum = torch::zeros({2, 12});
  for (int step = 0; step < kSteps; ++step) {
    PlanScope scope(plan, {.step = step});
    const Tensor value = tap("site", torch::ones({2, 12}));
    ASSERT_TRUE(at::equal((value != 0).sum(1), torch::full({2}, 3, torch::kLong)));
    sum += value;
  }
  const double p = 0.25, spread = std::sqrt(p * (1 - p) / kSteps) / p;
  EXPECT_LT((sum / kSteps - 1).abs().max().item<double>(), 5 * spread);
  EXPECT_EQ(outcome({"random_k", {{"count", 3}, {"rescale", false}}}, torch::ones({2, 12})).max().item<float>(), 1);
}

TEST(CatalogueTest, AThresholdDropsSmallMagnitudes) {
  const Tensor y = torch::tensor({0.5, -0.5, 0.49, -3.0, std::nan("")});
  const Tensor value = outcome({"threshold", {{"below", 0.5}}}, y);
  EXPECT_TRUE(at::equal(value.slice(0, 0, 4), torch::tensor({0.5, -0.5, 0.0, -3.0})));
  EXPECT_TRUE(value[4].isnan().item<bool>());
  const Tensor x = torch::tensor({1.0, 2.0, 3.0, 4.0});  // RMS 2.74
  EXPECT_TRUE(at::equal(outcome({"threshold", {{"below", 1.0}, {"relative_to", "rms"}}}, x),
                        torch::tensor({0.0, 0.0, 3.0, 4.0})));
}

// 5 standard deviations: false alarm 6e-7.
TEST(CatalogueTest, ZeroDropsItsShareOfElementsChannelsOrSamples) {
  const Tensor y = torch::ones({64, 32, 9, 9});
  const auto share_of = [](const Tensor& kept) { return 1 - kept.to(torch::kFloat64).mean().item<double>(); };
  const auto bound = [](double n) { return 5 * std::sqrt(0.3 * 0.7 / n); };
  const Tensor elements = outcome({"zero", {{"share", 0.3}}}, y);
  EXPECT_NEAR(share_of(elements), 0.3, bound(64 * 32 * 81));
  const Tensor channels = outcome({"zero", {{"share", 0.3}, {"of", "channel"}}}, y).flatten(2);
  EXPECT_TRUE(at::equal(channels, channels.slice(2, 0, 1).expand_as(channels)));
  EXPECT_NEAR(share_of(channels), 0.3, bound(64 * 32));
  const Tensor samples = outcome({"zero", {{"share", 0.3}, {"of", "sample"}}}, y).flatten(1);
  EXPECT_TRUE(at::equal(samples, samples.slice(1, 0, 1).expand_as(samples)));
  EXPECT_NEAR(share_of(samples), 0.3, bound(64));
  const Tensor features = outcome({"zero", {{"share", 0.3}, {"of", "feature"}}}, y).flatten(1);
  EXPECT_TRUE(at::equal(features, features.slice(0, 0, 1).expand_as(features)));
  EXPECT_NEAR(share_of(features), 0.3, bound(32 * 81));
}

TEST(CatalogueTest, AStuckFeatureIsStuckInEverySampleAtEveryStep) {
  Plan plan({rule_of({"stuck_at", {{"share", 0.3}, {"value", 2.0}}})}, {.seed = 7, .run_steps = 10});
  const auto at_step = [&](const char* site, std::int64_t step) {
    PlanScope scope(plan, {.step = step});
    return tap(site, torch::ones({5, 100}));
  };
  const Tensor first = at_step("a", 0);
  EXPECT_TRUE(at::equal(first, first.slice(0, 0, 1).expand_as(first)));
  EXPECT_TRUE(at::equal(first, at_step("a", 7)));
  EXPECT_FALSE(at::equal(first, at_step("b", 0)));
  EXPECT_NEAR((first == 2).to(torch::kFloat64).mean().item<double>(), 0.3, 5 * std::sqrt(0.21 / 100));
}

TEST(CatalogueTest, ASwapExchangesSamplesPairByPair) {
  const Tensor y = torch::arange(20, torch::kFloat32).view({10, 2});
  const Tensor value = outcome({"swap", {{"share", 0.6}}}, y);
  const Tensor from = (value.select(1, 0) / 2).to(torch::kLong);
  EXPECT_EQ((from != torch::arange(10)).sum().item<std::int64_t>(), 6);
  EXPECT_TRUE(at::equal(from.index_select(0, from), torch::arange(10)));  // pairs: twice is once undone
  EXPECT_TRUE(at::equal(value, y.index_select(0, from)));
  const Tensor rows = outcome({"swap", {{"share", 1.0}}}, y, {.rows = 5});  // two rows a sample stay together
  EXPECT_TRUE(at::equal(rows.select(1, 0).view({5, 2}).select(1, 1) - rows.select(1, 0).view({5, 2}).select(1, 0),
                        torch::full({5}, 2.0f)));
}

TEST(CatalogueTest, LowRankIsTheNearestMatrixOfItsRank) {
  const Tensor y = random({7, 5}, 3);
  const Tensor value = outcome({"low_rank", {{"rank", 2}}}, y);
  const Tensor spectrum = std::get<1>(at::linalg_svd(y, false));
  EXPECT_NEAR((value - y).norm().item<double>(), spectrum.slice(0, 2).norm().item<double>(), 1e-12);
  EXPECT_LT(std::get<1>(at::linalg_svd(value, false)).slice(0, 2).max().item<double>(), 1e-12);
  EXPECT_TRUE(torch::allclose(outcome({"low_rank", {{"rank", 5}}}, y), y, 1e-12, 1e-14));
}

Tensor bits_of(const Tensor& tensor) { return tensor.contiguous().view(torch::kInt32).to(torch::kLong) & 0xffffffff; }

// Bits that differ, by position.
std::vector<std::int64_t> flips(const Tensor& before, const Tensor& after) {
  const Tensor differing = bits_of(before).bitwise_xor(bits_of(after));
  std::vector<std::int64_t> counts;
  for (int bit = 0; bit < 32; ++bit)
    counts.push_back((differing.bitwise_right_shift(bit) & 1).sum().item<std::int64_t>());
  return counts;
}

// Binomial counts within 5 standard deviations: false alarm 6e-7 each.
TEST(CatalogueTest, BitsFlipAtTheirRate) {
  const Tensor y = random({300, 1000}, 5, torch::kFloat32);
  for (const double rate : {1e-4, 0.02, 0.6}) {
    const std::vector<std::int64_t> counts = flips(y, outcome({"bit_flip", {{"rate", rate}}}, y));
    for (int bit = 0; bit < 32; ++bit) {
      const double expected = 3e5 * rate;
      EXPECT_NEAR(static_cast<double>(counts[static_cast<std::size_t>(bit)]), expected,
                  5 * std::sqrt(expected * (1 - rate)) + 1)
          << rate << " " << bit;
    }
  }
  const std::vector<std::int64_t> sure = flips(y, outcome({"bit_flip", {{"rate", 1.0}, {"bits", "exponent"}}}, y));
  for (int bit = 0; bit < 32; ++bit)
    EXPECT_EQ(sure[static_cast<std::size_t>(bit)], bit >= 23 && bit < 31 ? 300000 : 0) << bit;
}

TEST(CatalogueTest, ACountOfBitsFlipsInEverySample) {
  const Tensor y = random({20, 50}, 5, torch::kFloat32);
  const Tensor value = outcome({"bit_flip", {{"count", 7}, {"bits", "mantissa"}}}, y);
  for (std::int64_t row = 0; row < 20; ++row) {
    const std::vector<std::int64_t> counts = flips(y[row], value[row]);
    std::int64_t all = 0;
    for (int bit = 0; bit < 32; ++bit) all += bit < 23 ? counts[static_cast<std::size_t>(bit)] : 0;
    EXPECT_EQ(all, 7);
  }
}

TEST(CatalogueTest, FlipsInNarrowerViewsLeaveNumbersOfTheirFormat) {
  const Tensor y = random({40, 50}, 5, torch::kFloat32);
  const Tensor bf16 = outcome({"bit_flip", {{"rate", 0.05}, {"view", "bf16"}}}, y);
  const Tensor flipped = bf16.masked_select(bf16 != y);
  EXPECT_TRUE(same(flipped, flipped.to(torch::kBFloat16).to(torch::kFloat32)));
  const Tensor signs = outcome({"bit_flip", {{"rate", 0.5}, {"view", "bf16"}, {"bits", "sign"}}}, y);
  EXPECT_TRUE(at::equal(signs.abs().masked_select(signs != y),
                        y.abs().to(torch::kBFloat16).to(torch::kFloat32).masked_select(signs != y)));
  const Tensor int8 = outcome({"bit_flip", {{"rate", 0.05}, {"view", "int8"}}}, y);
  const Tensor codes = int8.masked_select(int8 != y) / (y.abs().max() / 127);
  EXPECT_TRUE(torch::allclose(codes, codes.round(), 0, 1e-4));
  EXPECT_GE(codes.min().item<float>(), -128.01);
}

TEST(CatalogueTest, IntegersAreMultiplesOfTheirScale) {
  const Tensor y = random({6, 4, 5}, 9) * 3 + 0.5;
  const auto symmetric = [](const Tensor& x, double steps) {
    const double step = x.abs().max().item<double>() / steps;
    return (x / step).round() * step;
  };
  EXPECT_TRUE(torch::allclose(outcome({"round", {{"format", "int8"}}}, y), symmetric(y, 127), 1e-12, 0));
  const Tensor token = outcome({"round", {{"format", "int4"}, {"per", "token"}}}, y);
  const Tensor channel = outcome({"round", {{"format", "int4"}, {"per", "channel"}}}, y);
  for (std::int64_t i = 0; i < 6; ++i)
    for (std::int64_t j = 0; j < 4; ++j) EXPECT_TRUE(torch::allclose(token[i][j], symmetric(y[i][j], 7), 1e-12, 0));
  for (std::int64_t c = 0; c < 5; ++c)
    EXPECT_TRUE(torch::allclose(channel.select(2, c), symmetric(y.select(2, c), 7), 1e-12, 0));
  const Tensor images = random({2, 3, 4, 4}, 9);
  const Tensor of_images = outcome({"round", {{"format", "int4"}, {"per", "channel"}}}, images);
  for (std::int64_t c = 0; c < 3; ++c)
    EXPECT_TRUE(torch::allclose(of_images.select(1, c), symmetric(images.select(1, c), 7), 1e-12, 0));

  const Tensor affine = outcome({"round", {{"format", "int3"}, {"symmetric", false}}}, y);
  EXPECT_LE(std::get<0>(at::_unique(affine)).numel(), 8);
  const double low = y.min().item<double>(), step = (y.max().item<double>() - low) / 7;
  EXPECT_LE((affine - y).abs().max().item<double>(), step * (1 + 1e-9));  // half a step, and half one of the zero point
  EXPECT_TRUE(at::equal(outcome({"round", {{"format", "int8"}}}, torch::zeros({3})), torch::zeros({3})));
}

TEST(CatalogueTest, BlocksLieAlongTheirDimension) {
  const Tensor y = random({3, 64, 5}, 9, torch::kFloat32);
  const auto of = [](const Tensor& x, std::int64_t dim) {
    return outcome({"round", {{"format", "mxfp4"}, {"block_dim", dim}}}, x);
  };
  EXPECT_TRUE(at::equal(of(y, 1), of(y.transpose(1, 2).contiguous(), -1).transpose(1, 2)));
  EXPECT_TRUE(at::equal(of(y, 1).slice(1, 0, 32), of(y.slice(1, 0, 32), 1)));
}

}  // namespace
}  // namespace gradquake
