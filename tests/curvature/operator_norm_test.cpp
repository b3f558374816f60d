#include "gradquake/curvature/operator_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/curvature/jacobian_operator.h"

namespace gradquake::curvature {
namespace {

const auto kFloat64 = at::TensorOptions().dtype(at::kDouble);

at::Tensor orthogonal(std::int64_t n) {
  at::manual_seed(2);
  return std::get<0>(at::linalg_qr(at::randn({n, n}, kFloat64)));
}

TEST(JacobianOperatorTest, ProductsAreThoseOfTheMatrix) {
  at::manual_seed(1);
  const auto A = at::randn({4, 6}, kFloat64), x = at::randn({6}, kFloat64).requires_grad_();
  const auto slope = 1 - at::tanh(A.mv(x.detach())).pow(2);
  const auto J = slope.unsqueeze(1) * A;
  const JacobianOperator jacobian([&] { return at::tanh(A.mv(x)); }, {x});
  const auto v = at::randn({6}, kFloat64), u = at::randn({4}, kFloat64);
  EXPECT_LE((jacobian.jvp({v}) - J.mv(v)).norm().item<double>(), 1e-13);
  EXPECT_LE((jacobian.vjp(u)[0] - J.t().mv(u)).norm().item<double>(), 1e-13);
}

TEST(JacobianOperatorTest, InputWithoutAPathHasAZeroJacobian) {
  const auto x = at::ones({3}, kFloat64).requires_grad_(), unused = at::ones({2}, kFloat64).requires_grad_();
  const JacobianOperator jacobian([&] { return 2 * x; }, {unused, x});
  EXPECT_TRUE(at::equal(jacobian.jvp({at::ones_like(unused), at::ones_like(x)}), at::full({3}, 2.0, kFloat64)));
  EXPECT_TRUE(at::equal(jacobian.vjp(at::ones({3}, kFloat64))[0], at::zeros({2}, kFloat64)));
  const JacobianOperator constant([] { return at::ones({3}, kFloat64); }, {x});
  EXPECT_TRUE(at::equal(constant.jvp({at::ones_like(x)}), at::zeros({3}, kFloat64)));
}

TEST(OperatorNormTest, ScaledOrthogonalMapHasItsFactor) {
  const auto Q = orthogonal(30);
  for (const double factor : {0.25, 1.0, 3.0}) {
    const auto c =
        operator_norm([&](const at::Tensor& y) { return factor * y.matmul(Q); }, at::randn({8, 30}, kFloat64));
    EXPECT_TRUE(c.converged);
    ASSERT_EQ(c.per_sample.size(), 8u);
    for (const double norm : c.per_sample) EXPECT_NEAR(norm, factor, 1e-10 * factor);
  }
}

TEST(OperatorNormTest, LargestSingularValueOfALinearMapIsFound) {
  at::manual_seed(4);
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const auto A = at::randn({40, 25}, kFloat64).to(dtype);
    const double sigma = at::linalg_svdvals(A)[0].item<double>();
    const auto c = operator_norm([&](const at::Tensor& y) { return y.matmul(A.t()); }, at::randn({5, 25}).to(dtype));
    EXPECT_TRUE(c.converged);
    for (const double norm : c.per_sample) EXPECT_NEAR(norm, sigma, 1e-3 * sigma);
  }
}

TEST(OperatorNormTest, EverySampleHasItsOwnNormAndTheValueIsTheLargest) {
  // tanh of each element: J = diag(1 - tanh(y)^2), so ||J|| = max over the sample's elements.
  at::manual_seed(6);
  const auto y = at::randn({16, 3, 5}, kFloat64);
  const auto slopes = std::get<0>((1 - y.tanh().pow(2)).reshape({16, -1}).max(1));
  const auto c = operator_norm([](const at::Tensor& x) { return x.tanh(); }, y);
  EXPECT_TRUE(c.converged);
  for (std::int64_t i = 0; i < 16; ++i) {
    const double expected = slopes[i].item<double>();
    EXPECT_NEAR(c.per_sample[static_cast<std::size_t>(i)], expected, 1e-3 * expected);
  }
  EXPECT_NEAR(c.value, slopes.max().item<double>(), 1e-3);
}

TEST(OperatorNormTest, LinearLayerHasTheNormOfItsInputAndBias) {
  // y = W x + b for one sample: K = dy/d(W, b) has norm sqrt(||x||^2 + 1), whatever W is.
  at::manual_seed(8);
  const auto W = at::randn({7, 9}, kFloat64).requires_grad_(), b = at::randn({7}, kFloat64).requires_grad_();
  const auto x = at::randn({9}, kFloat64);
  const auto k = parameter_norm([&] { return W.mv(x) + b; }, {W, b});
  EXPECT_NEAR(k.value, std::sqrt(x.pow(2).sum().item<double>() + 1), 1e-9);
  EXPECT_TRUE(k.converged);
}

TEST(OperatorNormTest, ChainOfLayersMultipliesOrthogonalFactors) {
  const auto Q = orthogonal(12);
  const auto chain = [&](const at::Tensor& y) {
    auto z = y;
    for (int i = 0; i < 5; ++i) z = 1.5 * z.matmul(Q);
    return z;
  };
  EXPECT_NEAR(operator_norm(chain, at::randn({2, 12}, kFloat64)).value, std::pow(1.5, 5), 1e-9);
}

TEST(OperatorNormTest, ZeroAndNonFiniteJacobiansAreResults) {
  const auto x = at::ones({3, 4}, kFloat64);
  const auto zero = operator_norm([](const at::Tensor& y) { return 0 * y; }, x);
  EXPECT_EQ(zero.value, 0);
  EXPECT_TRUE(zero.converged);
  auto bad = x.clone();
  bad[1][2] = std::numeric_limits<double>::quiet_NaN();
  const auto nan = operator_norm([](const at::Tensor& y) { return y.pow(2); }, bad);
  EXPECT_TRUE(std::isnan(nan.value));
  EXPECT_TRUE(std::isnan(nan.per_sample[1]));
  EXPECT_NEAR(nan.per_sample[0], 2, 1e-9);
  EXPECT_FALSE(nan.converged);
}

TEST(OperatorNormTest, MixedUpBatchIsTheCallersMistake) {
  const auto x = at::ones({3, 4}, kFloat64);
  EXPECT_THROW(operator_norm([](const at::Tensor& y) { return y.sum(); }, x), UserError);
  EXPECT_THROW(operator_norm([](const at::Tensor& y) { return y.t(); }, x), UserError);
  EXPECT_THROW(operator_norm([](const at::Tensor& y) { return y; }, x, {.tolerance = 0}), UserError);
  EXPECT_THROW(JacobianOperator([&] { return x; }, {x}), UserError);
}

}  // namespace
}  // namespace gradquake::curvature
