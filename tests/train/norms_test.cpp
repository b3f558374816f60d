#include "gradquake/train/norms.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradquake/train/gradient_norms.h"

namespace gradquake::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// sum of squares in long double, in index order.
double reference(const at::Tensor& x) {
  const at::Tensor flat = x.to(at::kDouble).contiguous().view({-1});
  long double sum = 0;
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    const auto v = static_cast<long double>(flat.const_data_ptr<double>()[i]);
    sum += v * v;
  }
  return static_cast<double>(sum);
}

StepGradients gradients_of(std::vector<at::Tensor> perturbed, std::vector<at::Tensor> clean = {}) {
  StepGradients gradients;
  gradients.perturbed = std::move(perturbed);
  gradients.clean = std::move(clean);
  return gradients;
}

TEST(NormsTest, SquaredNormsEqualDoubleArithmeticAtEverySize) {
  at::manual_seed(1);
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    for (const std::int64_t size : {0, 1, 15, 16, 17, 33, 1000, 4099}) {
      const at::Tensor x = at::randn({size}, dtype), y = at::randn({size}, dtype);
      const double norm = reference(x), distance = reference(x.to(at::kDouble) - y.to(at::kDouble));
      EXPECT_NEAR(squared_norm(x), norm, 1e-14 * norm) << size;
      EXPECT_NEAR(squared_distance(x, y), distance, 1e-14 * distance) << size;
    }
  }
}

TEST(NormsTest, ElementsOf1e20DoNotOverflowInFloat32) {
  const at::Tensor x = at::full({50}, 1e20, at::kFloat);
  const double element = x[0].item<double>();
  EXPECT_DOUBLE_EQ(squared_norm(x), 50 * element * element);
  EXPECT_DOUBLE_EQ(squared_distance(x, -x), 200 * element * element);
  EXPECT_TRUE(std::isinf(x.square().sum().item<float>()));
}

TEST(NormsTest, SmallElementsBesideLargeOnesCount) {
  at::Tensor x = at::ones({1 << 20}, at::kFloat);
  x[0] = 4096;
  EXPECT_EQ(squared_norm(x), 16777216.0 + 1048575.0);
}

TEST(NormsTest, LayoutDoesNotChangeANorm) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({40, 30}, at::kFloat), y = at::randn({40, 30}, at::kFloat);
  const at::Tensor transposed = x.t().contiguous().t();
  EXPECT_NEAR(squared_norm(transposed), reference(x), 1e-12);
  EXPECT_NEAR(squared_distance(transposed, y), reference(x.to(at::kDouble) - y.to(at::kDouble)), 1e-12);
  const at::Tensor slice = x.slice(1, 3, 20, 2);
  EXPECT_NEAR(squared_norm(slice), reference(slice), 1e-12);
  EXPECT_NEAR(squared_norm(x.expand({2, 40, 30})), 2 * reference(x), 1e-11);
  EXPECT_NEAR(squared_norm(x.to(at::kBFloat16)), reference(x.to(at::kBFloat16)), 1e-12);
}

TEST(NormsTest, InfinityAndNanAreSeenWhereverTheyStand) {
  for (const std::int64_t size : {1, 16, 35}) {
    for (std::int64_t at = 0; at < size; ++at) {
      at::Tensor x = at::ones({size}, at::kFloat);
      x[at] = -kInfinity;
      EXPECT_EQ(squared_norm(x), kInfinity);
      EXPECT_TRUE(std::isnan(squared_distance(x, x)));
      x[at] = std::nan("");
      EXPECT_TRUE(std::isnan(squared_norm(x)));
    }
  }
}

TEST(NormsTest, ParametersAreGroupedByTheModuleThatOwnsThem) {
  const LayerGroups groups =
      group_by_layer({"scale", "a.0.weight", "a.0.bias", "b.weight", "a.0.norm.weight", "a.0.gain"});
  EXPECT_EQ(groups.names, (std::vector<std::string>{"scale", "a.0", "b", "a.0.norm"}));
  EXPECT_EQ(groups.of_each, (std::vector<std::size_t>{0, 1, 1, 2, 3, 1}));
  EXPECT_EQ(layer_norms(groups, {1, 4, 5, 16, 25, 16}), (std::vector<double>{1, 5, 4, 5}));
}

TEST(GradientNormsTest, NormsAreOfBothGradientsAndTheirDifferenceWholeAndByLayer) {
  const LayerGroups groups = group_by_layer({"a.weight", "a.bias", "b.weight"});
  const std::vector<at::Tensor> w(3, at::zeros({1}, at::kDouble));
  const auto of = [](double a, double b, double c) {
    return std::vector<at::Tensor>{at::full({1}, a, at::kDouble), at::full({1}, b, at::kDouble),
                                   at::full({1}, c, at::kDouble)};
  };
  const GradientNorms norms = gradient_norms(gradients_of(of(3, 4, 12), of(3, 1, 8)), w, {}, groups);
  EXPECT_DOUBLE_EQ(norms.grad, 13);
  EXPECT_DOUBLE_EQ(norms.clean, std::sqrt(74.0));
  EXPECT_DOUBLE_EQ(norms.error, 5);
  EXPECT_EQ(norms.layers.grad, (std::vector<double>{5, 12}));
  EXPECT_EQ(norms.layers.clean_grad, (std::vector<double>{std::sqrt(10.0), 8}));
  EXPECT_EQ(norms.layers.grad_error, (std::vector<double>{3, 4}));
  EXPECT_EQ(norms.first_nonfinite, "");
}

TEST(GradientNormsTest, WithoutShadowThereAreNoCleanNormsByLayer) {
  const LayerGroups groups = group_by_layer({"a.weight"});
  const GradientNorms norms = gradient_norms(gradients_of({at::ones({4})}), {at::zeros({4})}, {}, groups);
  EXPECT_EQ(norms.grad, 2);
  EXPECT_TRUE(norms.layers.clean_grad.empty());
  EXPECT_TRUE(norms.layers.grad_error.empty());
}

TEST(GradientNormsTest, TheRegulariserCountsInBothNormsAndNotInTheError) {
  const LayerGroups groups = group_by_layer({"a.weight"});
  const at::Tensor w = at::full({1}, 2.0, at::kDouble);
  const GradientNorms norms = gradient_norms(
      gradients_of({at::full({1}, 5.0, at::kDouble)}, {at::full({1}, 1.0, at::kDouble)}), {w}, {"l2", 0.5}, groups);
  EXPECT_DOUBLE_EQ(norms.grad, 7);
  EXPECT_DOUBLE_EQ(norms.clean, 3);
  EXPECT_DOUBLE_EQ(norms.error, 4);
}

TEST(GradientNormsTest, TheFirstNonFiniteLayerIsNamed) {
  const LayerGroups groups = group_by_layer({"a.weight", "b.weight", "b.bias", "c.weight"});
  const at::Tensor one = at::ones({1}), bad = at::full({1}, std::nan("")), large = at::full({1}, kInfinity);
  const std::vector<at::Tensor> w(4, at::zeros({1}));
  EXPECT_EQ(gradient_norms(gradients_of({one, one, large, bad}), w, {}, groups).first_nonfinite, "b");
  EXPECT_EQ(gradient_norms(gradients_of({one, one, one, bad}), w, {}, groups).first_nonfinite, "c");
}

TEST(GradientNormsTest, WhereNoRuleFiredTheNormsAreTheSameNumber) {
  const LayerGroups groups = group_by_layer({"a.weight"});
  const at::Tensor u = at::randn({100});
  const GradientNorms norms = gradient_norms(gradients_of({u}, {u}), {at::zeros({100})}, {}, groups);
  EXPECT_EQ(norms.clean, norms.grad);
  EXPECT_EQ(norms.error, 0);
}

}  // namespace
}  // namespace gradquake::train
