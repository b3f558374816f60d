#include "gradquake/curvature/hessian_operator.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cstddef>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/curvature/lanczos.h"
#include "problems.h"

namespace gradquake::curvature {
namespace {

// (g(w + h v) - g(w - h v)) / (2 h), with g as the operator gives it.
template <typename MakeHessian>
std::vector<torch::Tensor> central_difference(const std::vector<torch::Tensor>& w, const std::vector<torch::Tensor>& v,
                                              MakeHessian make_hessian) {
  constexpr double h = 1e-5;
  const auto move = [&](double factor) {
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < w.size(); ++i) w[i].add_(v[i], factor);
  };
  move(h);
  const auto ahead = make_hessian().gradient();
  move(-2 * h);
  const auto behind = make_hessian().gradient();
  move(h);
  std::vector<torch::Tensor> difference;
  for (std::size_t i = 0; i < w.size(); ++i) difference.push_back((ahead[i] - behind[i]) / (2 * h));
  return difference;
}

double relative_distance(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  std::vector<torch::Tensor> difference;
  for (std::size_t i = 0; i < a.size(); ++i) difference.push_back(a[i] - b[i]);
  return norm(difference) / norm(b);
}

TEST(HessianOperatorTest, ProductAgreesWithCentralDifferencesOnATanhNetwork) {
  TanhNet problem;
  const auto parameters = problem.net->parameters();
  const auto make = [&] { return HessianOperator([&] { return problem.loss(); }, parameters); };
  const auto v = problem.random_direction();
  const auto product = make().apply(v);
  EXPECT_LE(relative_distance(product, central_difference(parameters, v, make)), 1e-6);
}

TEST(HessianOperatorTest, GradientAndLossAreThoseOfBackward) {
  TanhNet problem;
  HessianOperator hessian([&] { return problem.loss(); }, problem.net->parameters());
  auto loss = problem.loss();
  const auto expected = torch::autograd::grad({loss}, problem.net->parameters());
  const auto gradient = hessian.gradient();
  EXPECT_EQ(hessian.loss(), loss.item<double>());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(gradient[i], expected[i]));
}

TEST(HessianOperatorTest, GradFieldsStayUntouched) {
  TanhNet problem;
  problem.loss().backward();
  const auto parameters = problem.net->parameters();
  std::vector<torch::Tensor> before;
  for (const auto& p : parameters) before.push_back(p.grad().clone());
  HessianOperator hessian([&] { return problem.loss(); }, parameters);
  lanczos(hessian);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(parameters[i].grad(), before[i]));
}

TEST(HessianOperatorTest, RepeatedProductsOnOneGraphAreBitwiseEqual) {
  TanhNet problem;
  HessianOperator hessian([&] { return problem.loss(); }, problem.net->parameters());
  const auto v = problem.random_direction();
  const auto first = hessian.apply(v), second = hessian.apply(v);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(torch::equal(first[i], second[i]));
  EXPECT_EQ(hessian.products(), 2);
}

TEST(HessianOperatorTest, ParameterWithoutAPathHasZeroRowsAndColumns) {
  const auto used = torch::randn({3}, kFloat64).requires_grad_();
  const auto linear = torch::randn({2}, kFloat64).requires_grad_();
  const auto unused = torch::randn({4}, kFloat64).requires_grad_();
  HessianOperator hessian([&] { return used.pow(2).sum() + linear.sum(); }, {unused, used, linear});
  const auto product = hessian.apply({torch::ones_like(unused), torch::ones_like(used), torch::ones_like(linear)});
  EXPECT_TRUE(torch::equal(product[0], torch::zeros({4}, kFloat64)));
  EXPECT_TRUE(torch::equal(product[1], torch::full({3}, 2.0, kFloat64)));
  EXPECT_TRUE(torch::equal(product[2], torch::zeros({2}, kFloat64)));
  EXPECT_TRUE(torch::equal(hessian.gradient()[0], torch::zeros({4}, kFloat64)));
}

TEST(HessianOperatorTest, MixedPrecisionsMeetInTheWidest) {
  const auto single = torch::full({2}, 3.0f).requires_grad_();
  const auto wide = torch::full({1}, 2.0, kFloat64).requires_grad_();
  HessianOperator hessian([&] { return single.pow(2).sum().to(torch::kDouble) * wide.sum(); }, {single, wide});
  const auto product = hessian.apply({torch::ones_like(single), torch::ones_like(wide)});
  EXPECT_EQ(product[0].scalar_type(), torch::kFloat);
  EXPECT_NEAR(product[0][0].item<double>(), 2 * 2 + 2 * 3, 1e-5);
  EXPECT_NEAR(product[1][0].item<double>(), 2 * 3 + 2 * 3, 1e-5);
}

TEST(HessianOperatorTest, WorksWhereTheCallerSwitchedGradientsOff) {
  TanhNet problem;
  const auto v = problem.random_direction();
  HessianOperator reference([&] { return problem.loss(); }, problem.net->parameters());
  const auto expected = reference.apply(v);
  torch::NoGradGuard no_grad;
  HessianOperator hessian([&] { return problem.loss(); }, problem.net->parameters());
  EXPECT_EQ(relative_distance(hessian.apply(v), expected), 0);
}

TEST(HessianOperatorTest, CallersMistakesAreNamed) {
  TanhNet problem;
  const auto parameters = problem.net->parameters();
  const Loss loss = [&] { return problem.loss(); };
  EXPECT_THROW(HessianOperator(loss, {}), UserError);
  EXPECT_THROW(HessianOperator(loss, {torch::zeros({2})}), UserError);
  EXPECT_THROW(HessianOperator([&] { return problem.net->forward(problem.x); }, parameters), UserError);
  HessianOperator hessian(loss, parameters);
  EXPECT_THROW(hessian.apply({torch::zeros({2})}), UserError);
  auto wrong = problem.random_direction();
  wrong[1] = wrong[1].view({7, 1});
  EXPECT_THROW(hessian.apply(wrong), UserError);
  EXPECT_THROW(lanczos(hessian, {.limit = 0}), UserError);
  EXPECT_THROW(lanczos(hessian, {.tolerance = 0}), UserError);
  EXPECT_THROW(lanczos_from(hessian, problem.random_direction(), 0), UserError);
}

}  // namespace
}  // namespace gradquake::curvature
