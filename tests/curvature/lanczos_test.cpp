#include "gradquake/curvature/lanczos.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/curvature/hessian_operator.h"
#include "problems.h"

namespace gradquake::curvature {
namespace {

torch::Tensor generator_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

std::vector<double> linspace(double from, double to, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(from + (to - from) * i / (count - 1));
  return values;
}

struct KnownSpectrum {
  const char* name;
  std::vector<double> values;
  double lambda_max, lambda_min;
};

class LanczosSpectrumTest : public testing::TestWithParam<KnownSpectrum> {};

TEST_P(LanczosSpectrumTest, ExtremesAreFoundToOneInAThousand) {
  const auto& known = GetParam();
  const Quadratic problem(known.values);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto hessian = problem.hessian();
    const auto spectrum = lanczos(hessian, {.limit = 40, .tolerance = 1e-3, .seed = seed});
    const double smoothness = std::max(std::abs(known.lambda_max), std::abs(known.lambda_min));
    EXPECT_TRUE(spectrum.converged());
    EXPECT_LE(spectrum.lambda_max.residual, 1e-3 * smoothness * 1.001);
    EXPECT_LE(spectrum.lambda_min.residual, 1e-3 * smoothness * 1.001);
    EXPECT_NEAR(spectrum.lambda_max.value, known.lambda_max, 1e-3 * smoothness);
    EXPECT_NEAR(spectrum.lambda_min.value, known.lambda_min, 1e-3 * smoothness);
    EXPECT_NEAR(spectrum.smoothness(), smoothness, 1e-3 * smoothness);
    EXPECT_EQ(spectrum.products, hessian.products());
    EXPECT_LE(spectrum.lambda_max.value, known.lambda_max + 1e-9 * smoothness);  // Ritz values lie inside the spectrum
    EXPECT_GE(spectrum.lambda_min.value, known.lambda_min - 1e-9 * smoothness);
  }
}

INSTANTIATE_TEST_SUITE_P(Quadratics, LanczosSpectrumTest,
                         testing::Values(KnownSpectrum{"Definite", linspace(0.5, 10, 60), 10, 0.5},
                                         KnownSpectrum{"Indefinite", linspace(-7, 4, 60), 4, -7},
                                         KnownSpectrum{"RankDeficient",
                                                       [] {
                                                         auto v = std::vector<double>(60, 0);
                                                         v[3] = 5;
                                                         v[20] = 2;
                                                         v[59] = 1;
                                                         return v;
                                                       }(),
                                                       5, 0},
                                         KnownSpectrum{"MultipleTop",
                                                       [] {
                                                         auto v = linspace(0, 1, 60);
                                                         v[0] = v[1] = v[2] = 6;
                                                         return v;
                                                       }(),
                                                       6, 3.0 / 59},
                                         KnownSpectrum{"Symmetric",
                                                       [] {
                                                         auto v = linspace(-1, 1, 60);
                                                         v[0] = -5;
                                                         v[59] = 5;
                                                         return v;
                                                       }(),
                                                       5, -5}),
                         [](const auto& known) { return known.param.name; });

TEST(LanczosTest, WholeSpectrumOfASmallQuadraticIsExact) {
  const Quadratic problem({-3, -1, 0, 0.5, 1, 2, 4, 8});
  auto hessian = problem.hessian();
  const auto spectrum = lanczos(hessian, {.limit = 100, .tolerance = 1e-300});
  EXPECT_EQ(spectrum.products, 8);
  const auto values = tridiagonal_eigen(spectrum.T).values;
  const std::vector<double> expected{-3, -1, 0, 0.5, 1, 2, 4, 8};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-12);
  EXPECT_TRUE(spectrum.converged());
}

TEST(LanczosTest, MultipleOfTheIdentityEndsAfterOneProductFromEachOfTwoStarts) {
  const Quadratic problem(std::vector<double>(20, 3.0));
  auto hessian = problem.hessian();
  const auto spectrum = lanczos(hessian);
  EXPECT_EQ(spectrum.products, 2);
  EXPECT_TRUE(spectrum.converged());
  EXPECT_NEAR(spectrum.lambda_max.value, 3, 1e-12);
  EXPECT_NEAR(spectrum.lambda_min.value, 3, 1e-12);
}

TEST(LanczosTest, ZeroHessianIsAResult) {
  const auto w = torch::ones({4}, kFloat64).requires_grad_();
  for (const Loss& loss : {Loss([&] { return w.sum(); }), Loss([&] { return torch::ones({}, kFloat64); })}) {
    HessianOperator hessian(loss, {w});
    const auto spectrum = lanczos(hessian);
    EXPECT_EQ(spectrum.lambda_max.value, 0);
    EXPECT_EQ(spectrum.smoothness(), 0);
    EXPECT_EQ(spectrum.products, 2);
    EXPECT_TRUE(spectrum.converged());
  }
}

TEST(LanczosTest, NonFiniteProductsEndInNaNAtOnce) {
  const auto w = torch::full({4}, std::numeric_limits<double>::infinity(), kFloat64).requires_grad_();
  HessianOperator hessian([&] { return w.pow(4).sum(); }, {w});
  const auto spectrum = lanczos(hessian);
  EXPECT_TRUE(std::isnan(spectrum.lambda_max.value));
  EXPECT_TRUE(std::isnan(spectrum.lambda_min.value));
  EXPECT_TRUE(std::isnan(spectrum.smoothness()));
  EXPECT_FALSE(spectrum.converged());
  EXPECT_EQ(spectrum.products, 1);
  const auto T = lanczos_from(hessian, {torch::ones({4}, kFloat64)}, 5);
  ASSERT_EQ(T.alpha.size(), 1u);
  EXPECT_TRUE(std::isnan(T.alpha[0]));
}

TEST(LanczosTest, TooFewProductsAreNotCalledConverged) {
  const Quadratic problem(linspace(0, 1, 200));
  auto hessian = problem.hessian();
  const auto spectrum = lanczos(hessian, {.limit = 3});
  EXPECT_EQ(spectrum.products, 3);
  EXPECT_FALSE(spectrum.converged());
  EXPECT_GT(spectrum.lambda_max.residual, 1e-3 * spectrum.smoothness());
}

// All eigenvalues, from the Hessian itself.
torch::Tensor eigenvalues(HessianOperator& hessian) {
  std::vector<torch::Tensor> columns;
  for (const auto& unit : torch::eye(hessian.dimension(), kFloat64).unbind())
    columns.push_back(hessian.apply_flat(unit));
  return torch::linalg_eigvalsh(torch::stack(columns));
}

// A classifier of 3 clusters after 400 steps of gradient descent: one large eigenvalue or two, and a bulk around 0.
struct TrainedNet : TanhNet {
  TrainedNet() {
    const auto weights = net->parameters();
    x = x + 2 * torch::one_hot(y, 5).to(torch::kDouble);
    for (int step = 0; step < 400; ++step) {
      const auto gradients = torch::autograd::grad({loss()}, weights);
      const torch::NoGradGuard no_grad;
      for (std::size_t i = 0; i < weights.size(); ++i) torch::Tensor(weights[i]).sub_(0.05 * gradients[i]);
    }
  }
};

TEST(LanczosTest, BothEndsOfATrainedNetworkAreThoseOfItsHessian) {
  at::set_num_threads(1);  // products this small spend a second thread on waiting, for minutes on a busy machine
  TrainedNet problem;
  HessianOperator hessian([&] { return problem.loss(); }, problem.net->parameters());
  const auto all = eigenvalues(hessian);
  const double low = all[0].item<double>(), high = all[-1].item<double>();
  ASSERT_LT(low, 0);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    for (int limit = 4; limit < 60; limit += 4) {
      const auto part = lanczos(hessian, {.limit = limit, .tolerance = 1e-3, .seed = seed});
      EXPECT_LE(part.products, limit);
      EXPECT_FALSE(limit == 4 && part.lambda_min.converged);
      EXPECT_TRUE(!part.lambda_min.converged || std::abs(part.lambda_min.value - low) < 2e-3 * high) << limit;
      EXPECT_TRUE(!part.lambda_max.converged || std::abs(part.lambda_max.value - high) < 2e-3 * high) << limit;
    }
    const auto spectrum = lanczos(hessian, {.limit = 200, .tolerance = 1e-6, .seed = seed});
    EXPECT_TRUE(spectrum.converged());
    EXPECT_NEAR(spectrum.lambda_max.value, high, 1e-6 * high);
    EXPECT_NEAR(spectrum.lambda_min.value, low, 1e-6 * high);
  }
}

TEST(LanczosTest, ResidualBoundsTheDistanceToAnEigenvalue) {
  const Quadratic problem(linspace(0, 10, 50));
  auto hessian = problem.hessian();
  for (int limit = 2; limit < 30; limit += 3) {
    const auto spectrum = lanczos(hessian, {.limit = limit});
    double distance = 1e9;
    for (const double value : linspace(0, 10, 50))
      distance = std::min(distance, std::abs(value - spectrum.lambda_max.value));
    EXPECT_LE(distance, spectrum.lambda_max.residual + 1e-12);
  }
}

TEST(LanczosTest, AStartInsideOneBlockStillSeesTheOther) {
  const Quadratic problem({1, 2, 3, -1, -9, 0, 20, 4});
  auto hessian = problem.hessian();
  const auto vectors = std::get<1>(torch::linalg_eigh(problem.A));  // ascending: -9, -1, 0, 1, 2, 3, 4, 20
  const auto inside = vectors.slice(1, 2, 6).sum(1);
  const auto spectrum = lanczos(hessian, {.limit = 20, .tolerance = 1e-6, .start = problem.parts(inside)});
  EXPECT_LT(tridiagonal_eigen(spectrum.T).values.back(), 3 + 1e-6);  // the block of 0, 1, 2, 3 is all it sees
  EXPECT_GT(tridiagonal_eigen(spectrum.T).values.front(), -1e-6);
  EXPECT_TRUE(spectrum.converged());
  EXPECT_NEAR(spectrum.lambda_max.value, 20, 1e-4);
  EXPECT_NEAR(spectrum.lambda_min.value, -9, 1e-4);
  EXPECT_EQ(spectrum.products, hessian.products());
}

TEST(LanczosTest, AStartInsideTheSymmetryOfANetworkStillFindsBothEnds) {
  TanhNet problem;
  {
    const torch::NoGradGuard no_grad;  // every hidden unit is the same
    for (const auto& weight : problem.net->parameters()) torch::Tensor(weight).fill_(0.3);
  }
  HessianOperator hessian([&] { return problem.loss(); }, problem.net->parameters());
  const auto all = eigenvalues(hessian);
  const double low = all[0].item<double>(), high = all[-1].item<double>();
  auto start = hessian.gradient();  // the difference of two hidden units: no product leaves what is odd in it
  for (auto& part : start) part.zero_();
  start[0][0].fill_(1);
  start[0][1].fill_(-1);
  const auto spectrum = lanczos(hessian, {.limit = 200, .tolerance = 1e-8, .start = start});
  const auto inside = tridiagonal_eigen(spectrum.T).values;
  EXPECT_TRUE(inside.front() > low + 1e-3 * high || inside.back() < 0.999 * high)
      << inside.front() << " " << inside.back();
  EXPECT_NEAR(spectrum.lambda_max.value, high, 1e-7 * high);
  EXPECT_NEAR(spectrum.lambda_min.value, low, 1e-7 * high);
}

TEST(LanczosTest, AStartThatIsZeroOrNotFiniteIsRefused) {
  const Quadratic problem({1, 2, 3, 4, 5, 6, 7, 8});
  auto hessian = problem.hessian();
  for (const double value : {0.0, std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(lanczos(hessian, {.start = problem.parts(torch::full({8}, value, kFloat64))}), UserError);
  }
}

TEST(LanczosTest, SeedDecidesTheStartAndTheGlobalGeneratorIsNotDrawnFrom) {
  TanhNet problem;
  HessianOperator hessian([&] { return problem.loss(); }, problem.net->parameters());
  const auto before = generator_state();
  const auto first = lanczos(hessian, {.limit = 4, .seed = 1}), same = lanczos(hessian, {.limit = 4, .seed = 1});
  const auto other = lanczos(hessian, {.limit = 4, .seed = 2});
  EXPECT_TRUE(torch::equal(before, generator_state()));
  EXPECT_EQ(first.T.alpha, same.T.alpha);
  EXPECT_NE(first.T.alpha, other.T.alpha);
}

TEST(LanczosTest, Float32AgreesWithFloat64) {
  TanhNet single(torch::kFloat), wide(torch::kDouble);
  HessianOperator in_single([&] { return single.loss(); }, single.net->parameters());
  HessianOperator in_double([&] { return wide.loss(); }, wide.net->parameters());
  const auto a = lanczos(in_single, {.limit = 15, .tolerance = 1e-9}),
             b = lanczos(in_double, {.limit = 15, .tolerance = 1e-9});
  EXPECT_NEAR(a.lambda_max.value, b.lambda_max.value, 1e-5 * b.smoothness());
  EXPECT_NEAR(a.lambda_min.value, b.lambda_min.value, 1e-5 * b.smoothness());
}

TEST(LanczosTest, LogisticRegressionHasItsClosedForm) {
  // l = mean ln(1 + exp(-y h'w)) + rho R(w) at w = 0: L = lambda_max(H'H) / (4 M) + 2 rho, both for R = ||w||^2 and for
  // R = sum w^2 / (1 + w^2).
  torch::manual_seed(3);
  const std::int64_t samples = 200, features = 12;
  const double rho = 0.1;
  const auto H = torch::randn({samples, features}, kFloat64) * torch::linspace(0.3, 2, features, kFloat64);
  const auto y = torch::randint(2, {samples}, kFloat64) * 2 - 1;
  const auto w = torch::zeros({features}, kFloat64).requires_grad_();
  const double L = torch::linalg_eigvalsh(H.t().matmul(H))[-1].item<double>() / (4 * samples) + 2 * rho;
  const auto data = [&] { return torch::softplus(-y * H.mv(w)).mean(); };
  HessianOperator ridge([&] { return data() + rho * w.pow(2).sum(); }, {w});
  HessianOperator nonconvex([&] { return data() + rho * (w.pow(2) / (1 + w.pow(2))).sum(); }, {w});
  EXPECT_NEAR(lanczos(ridge).smoothness(), L, 1e-3 * L);
  EXPECT_NEAR(lanczos(nonconvex).smoothness(), L, 1e-3 * L);
}

TEST(LanczosFromTest, CompleteTridiagonalReproducesEveryStepOfGradientDescent) {
  // ||H (I - gamma H)^k Delta|| = ||Delta|| ||T (I - gamma T)^k e_1||, here for 40 steps and gamma lambda_max = 1.6.
  const Quadratic problem({-0.5, 0, 0.3, 1, 2, 3, 5, 8});
  auto hessian = problem.hessian();
  const auto delta = torch::randn({8}, kFloat64);
  const auto T = lanczos_from(hessian, problem.parts(delta), 8);
  ASSERT_EQ(T.alpha.size(), 8u);
  const auto eigen = tridiagonal_eigen(T);
  const double gamma = 0.2, length = norm(problem.parts(delta));
  EXPECT_NEAR(length, delta.norm().item<double>(), 1e-14);
  auto iterate = delta;
  for (int k = 0; k < 40; ++k, iterate = iterate - gamma * problem.A.mv(iterate)) {
    double squared = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const double factor = eigen.values[i] * std::pow(1 - gamma * eigen.values[i], k) * eigen.first[i];
      squared += factor * factor;
    }
    const double expected = problem.A.mv(iterate).norm().item<double>();
    EXPECT_NEAR(length * std::sqrt(squared), expected, 1e-10 * expected);
  }
}

TEST(LanczosFromTest, FewStepsAreExactUpToTheirDegree) {
  const Quadratic problem(linspace(0, 8, 40));
  auto hessian = problem.hessian();
  const auto delta = torch::randn({40}, kFloat64);
  const int m = 6;
  const auto eigen = tridiagonal_eigen(lanczos_from(hessian, problem.parts(delta), m));
  ASSERT_EQ(eigen.values.size(), 6u);
  const double gamma = 0.2, length = delta.norm().item<double>();
  auto iterate = delta;
  for (int k = 0; k <= m - 2; ++k, iterate = iterate - gamma * problem.A.mv(iterate)) {
    double squared = 0;
    for (std::size_t i = 0; i < eigen.values.size(); ++i) {
      const double factor = eigen.values[i] * std::pow(1 - gamma * eigen.values[i], k) * eigen.first[i];
      squared += factor * factor;
    }
    EXPECT_NEAR(length * std::sqrt(squared), problem.A.mv(iterate).norm().item<double>(), 1e-10);
  }
}

TEST(LanczosFromTest, EigenvectorSpansItsOwnKrylovSpace) {
  const Quadratic problem({1, 2, 3, 4, 5, 6, 7, 8});
  auto hessian = problem.hessian();
  const auto vector = std::get<1>(torch::linalg_eigh(problem.A)).select(1, 5).contiguous();
  const auto T = lanczos_from(hessian, problem.parts(1e-6 * vector), 10);
  ASSERT_EQ(T.alpha.size(), 1u);
  EXPECT_NEAR(T.alpha[0], 6, 1e-12);
}

TEST(LanczosFromTest, ZeroOrNonFiniteDisplacementGivesNoSteps) {
  const Quadratic problem({1, 2, 3, 4, 5, 6, 7, 8});
  auto hessian = problem.hessian();
  EXPECT_TRUE(lanczos_from(hessian, problem.parts(torch::zeros({8}, kFloat64)), 5).alpha.empty());
  const auto nan = torch::full({8}, std::numeric_limits<double>::quiet_NaN(), kFloat64);
  EXPECT_TRUE(lanczos_from(hessian, problem.parts(nan), 5).alpha.empty());
  EXPECT_EQ(hessian.products(), 0);
}

TEST(NormTest, HugeFloat32ElementsDoNotOverflow) {
  EXPECT_NEAR(norm({torch::full({3}, 1e25f), torch::Tensor(), torch::full({1}, 1e25f)}), 2e25, 1e19);
}

}  // namespace
}  // namespace gradquake::curvature
