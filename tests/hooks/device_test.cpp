// On another device every kind makes what it makes on the CPU, of the same draws. Skipped where there is no CUDA
// device.
#include <ATen/ops/allclose.h>
#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/hooks/weights.h"
#include "helpers.h"

namespace gradquake {
namespace {

using torch::Tensor;

class DeviceTest : public testing::TestWithParam<torch::DeviceType> {};

std::vector<torch::DeviceType> devices() {
  std::vector<torch::DeviceType> all{torch::kCPU};
  if (torch::cuda::is_available()) all.push_back(torch::kCUDA);
  return all;
}

std::string device_name(const testing::TestParamInfo<torch::DeviceType>& info) {
  return info.param == torch::kCPU ? "cpu" : "cuda";
}

INSTANTIATE_TEST_SUITE_P(On, DeviceTest, testing::ValuesIn(devices()), device_name);

bool same_numbers(const Tensor& a, const Tensor& b) { return (a.eq(b) | (a.isnan() & b.isnan())).all().item<bool>(); }

// Value and gradient of a tensor that the kind perturbs both ways.
std::pair<Tensor, Tensor> pass_on(torch::Device device, const KindSpec& kind, Gradient gradient, const Tensor& y,
                                  const Tensor& weight) {
  Rule rule;
  rule.label = "r";
  rule.direction = Direction::kBoth;
  rule.perturbation = kind;
  rule.gradient = gradient;
  Plan plan({rule}, {.seed = 7, .run_steps = 10});
  const Tensor x = y.to(device).clone().requires_grad_();
  const PlanScope scope(plan, {.step = 3, .rows = 8, .loss_divisor = 8});
  const Tensor value = tap("site", x * 1);
  (value.to(torch::kFloat32) * weight.to(device)).sum().backward();
  return {value.detach().cpu(), x.grad().cpu()};
}

TEST_P(DeviceTest, EveryKindMakesWhatItMakesOnTheCpu) {
  const std::vector<KindSpec> kinds = {{"gaussian", {{"scale", 0.5}}},
                                       {"gaussian", {{"relative_to", "rms"}}},
                                       {"uniform", {{"draw", "per_sample"}}},
                                       {"rademacher", {{"draw", "per_feature"}}},
                                       {"constant", {{"draw", "per_step"}}},
                                       {"laplace"},
                                       {"multiplicative"},
                                       {"scale", {{"factor", 1.5}}},
                                       {"round", {{"format", "e4m3fn"}}},
                                       {"round", {{"format", "e5m2"}, {"rounding", "stochastic"}}},
                                       {"round", {{"format", "int4"}, {"per", "token"}}},
                                       {"round", {{"format", "int3"}, {"per", "channel"}, {"symmetric", false}}},
                                       {"round", {{"format", "mxfp4"}, {"rounding", "stochastic"}}},
                                       {"round", {{"format", "nvfp4"}}},
                                       {"top_k", {{"share", 0.25}}},
                                       {"random_k", {{"count", 3}}},
                                       {"threshold", {{"below", 0.5}}},
                                       {"bit_flip", {{"rate", 0.05}}},
                                       {"bit_flip", {{"rate", 0.1}, {"view", "int8"}}},
                                       {"stuck_at", {{"share", 0.3}}},
                                       {"zero", {{"share", 0.5}, {"of", "channel"}}},
                                       {"swap", {{"share", 1.0}}}};
  for (const KindSpec& kind : kinds) {
    for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kFloat16, torch::kBFloat16}) {
      const Tensor y = test::random({8, 6, 5}, 1, dtype), weight = test::random({8, 6, 5}, 2, torch::kFloat32);
      for (const Gradient gradient : {Gradient::kIdentity, Gradient::kExact, Gradient::kZeroWhereChanged}) {
        if (gradient == Gradient::kExact && !make_perturbation(kind)->has_slope()) continue;
        const auto [value, slope] = pass_on(GetParam(), kind, gradient, y, weight);
        const auto [expected, expected_slope] = pass_on(torch::kCPU, kind, gradient, y, weight);
        EXPECT_TRUE(same_numbers(value, expected)) << words_of(kind) << ' ' << dtype;
        EXPECT_TRUE(same_numbers(slope, expected_slope)) << words_of(kind) << ' ' << dtype << ' ' << to_text(gradient);
      }
    }
  }
}

TEST_P(DeviceTest, AWeightIsPerturbedAndPutBack) {
  Rule rule;
  rule.label = "w";
  rule.target = Target::kWeight;
  rule.perturbation = {"round", {{"format", "int4"}}};
  Plan plan({rule}, {.seed = 7, .run_steps = 10}, {}, {"fc.weight"});
  const Tensor weight = test::random({4, 4}, 1).to(GetParam()), before = weight.clone();
  {
    const WeightScope scope(plan, 3, {"fc.weight"}, {weight});
    EXPECT_FALSE(same_numbers(weight, before));
  }
  EXPECT_TRUE(same_numbers(weight, before));
}

}  // namespace
}  // namespace gradquake
