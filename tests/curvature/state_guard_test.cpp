#include "gradquake/curvature/state_guard.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/jit.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "gradquake/curvature/hessian_operator.h"
#include "gradquake/curvature/lanczos.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::curvature {
namespace {

namespace nn = torch::nn;

// Batch-norm and dropout in train mode, every hidden layer tapped.
struct NetImpl : nn::Module {
  NetImpl() {
    torch::manual_seed(9);
    fc1 = register_module("fc1", nn::Linear(6, 8));
    norm = register_module("norm", nn::BatchNorm1d(8));
    dropout = register_module("dropout", nn::Dropout(0.5));
    fc2 = register_module("fc2", nn::Linear(8, 3));
    to(torch::kDouble);
    x = torch::randn({16, 6}, torch::kDouble);
    y = torch::randint(3, {16}, torch::kLong);
  }
  torch::Tensor loss() {
    auto h = tap("fc1", fc1(x));
    h = tap("norm", torch::tanh(norm(h)));
    return nn::functional::cross_entropy(tap("fc2", fc2(dropout(h))), y);
  }

  nn::Linear fc1{nullptr}, fc2{nullptr};
  nn::BatchNorm1d norm{nullptr};
  nn::Dropout dropout{nullptr};
  torch::Tensor x, y;
};
TORCH_MODULE(Net);

std::vector<torch::Tensor> random_like(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> result;
  for (const auto& t : tensors) result.push_back(torch::randn_like(t).detach());
  return result;
}

double dot(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] * b[i]).sum().item<double>();
  return sum;
}

std::vector<torch::Tensor> copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> result;
  for (const auto& t : tensors) result.push_back(t.detach().clone());
  return result;
}

torch::Tensor generator_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

TEST(StateGuardTest, BuffersGeneratorAndModeComeBackBitForBit) {
  for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(7)}) {
    Net net;
    net->loss();  // running statistics away from their initial values
    const auto buffers = copies(net->buffers());
    const auto generator = generator_state();
    {
      StateGuard guard(*net, seed);
      HessianOperator hessian([&] { return net->loss(); }, net->parameters());
      lanczos(hessian);
      EXPECT_FALSE(torch::equal(net->norm->running_mean, buffers[0]));
      EXPECT_FALSE(torch::equal(generator_state(), generator));
    }
    const auto after = net->buffers();
    ASSERT_EQ(after.size(), 3u);
    for (std::size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(torch::equal(after[i], buffers[i]));
    EXPECT_TRUE(torch::equal(generator_state(), generator));
    EXPECT_TRUE(net->is_training());
  }
}

TEST(StateGuardTest, ExceptionInsideLeavesNothingBehind) {
  Net net;
  const auto buffers = copies(net->buffers());
  const auto generator = generator_state();
  const bool flash = at::globalContext().userEnabledFlashSDP();
  EXPECT_THROW(
      {
        StateGuard guard(*net, 1);
        HessianOperator hessian([&] { return net->loss().repeat({2}); }, net->parameters());
      },
      std::invalid_argument);
  for (std::size_t i = 0; i < buffers.size(); ++i) EXPECT_TRUE(torch::equal(net->buffers()[i], buffers[i]));
  EXPECT_TRUE(torch::equal(generator_state(), generator));
  EXPECT_EQ(at::globalContext().userEnabledFlashSDP(), flash);
}

TEST(StateGuardTest, DropoutSeedDecidesTheMasks) {
  Net net;
  const auto loss_under = [&](std::uint64_t seed) {
    StateGuard guard(*net, seed);
    const double first = net->loss().item<double>();
    guard.rewind();
    EXPECT_EQ(net->loss().item<double>(), first);
    EXPECT_NE(net->loss().item<double>(), first);
    return first;
  };
  const double loss = loss_under(3);
  torch::randn({5});
  EXPECT_EQ(loss_under(3), loss);
  EXPECT_NE(loss_under(4), loss);
}

TEST(StateGuardTest, WithoutASeedTheMasksAreTheOnesTrainingDrawsNext) {
  Net net;
  double inside = 0;
  {
    StateGuard guard(*net);
    inside = net->loss().item<double>();
  }
  EXPECT_EQ(net->loss().item<double>(), inside);
}

TEST(StateGuardTest, HessianThroughBatchNormAndDropoutIsSymmetricAndThatOfTheProbeBatch) {
  Net net;
  const auto parameters = net->parameters();
  const auto u = random_like(parameters), v = random_like(parameters);
  const auto gradient = [&] {
    StateGuard guard(*net, 3);
    return HessianOperator([&] { return net->loss(); }, parameters).gradient();
  };
  std::vector<torch::Tensor> Hu, Hv;
  {
    StateGuard guard(*net, 3);
    HessianOperator hessian([&] { return net->loss(); }, parameters);
    Hu = hessian.apply(u);
    Hv = hessian.apply(v);
  }
  EXPECT_NEAR(dot(u, Hv), dot(v, Hu), 1e-12 * std::abs(dot(u, Hv)));

  constexpr double h = 1e-5;
  const auto move = [&](double factor) {
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < v.size(); ++i) parameters[i].add_(v[i], factor);
  };
  move(h);
  const auto ahead = gradient();
  move(-2 * h);
  const auto behind = gradient();
  move(h);
  std::vector<torch::Tensor> error;
  for (std::size_t i = 0; i < v.size(); ++i) error.push_back(Hv[i] - (ahead[i] - behind[i]) / (2 * h));
  EXPECT_LE(norm(error), 1e-6 * norm(Hv));
}

TEST(StateGuardTest, BackwardPendingOutsideStillRunsAndGivesTheSameGradient) {
  for (const bool train : {true, false}) {
    Net net, twin;
    net->train(train);
    twin->train(train);
    torch::manual_seed(1);
    auto loss = net->loss();
    torch::manual_seed(1);
    auto expected = torch::autograd::grad({twin->loss()}, twin->parameters());
    {
      StateGuard guard(*net, 2);
      net->train();
      HessianOperator hessian([&] { return net->loss(); }, net->parameters());
      lanczos(hessian, {.limit = 3});
      net->train(train);
    }
    const auto gradient = torch::autograd::grad({loss}, net->parameters());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(gradient[i], expected[i]));
  }
}

TEST(StateGuardTest, ActivePlanChangesNoBitOfTheSpectrumAndInjectsNothing) {
  Rule rule;
  rule.direction = Direction::kBoth;
  rule.perturbation.set("scale", 10);
  Plan plan({rule}, {.seed = 1, .run_steps = 100});
  Net net;
  const auto measure = [&] {
    StateGuard guard(*net, 3);
    HessianOperator hessian([&] { return net->loss(); }, net->parameters());
    const auto v = hessian.unflatten(torch::ones({hessian.dimension()}, torch::kDouble));
    const auto T = lanczos_from(hessian, v, 4);
    auto numbers = lanczos(hessian).T.alpha;
    numbers.push_back(hessian.loss());
    numbers.insert(numbers.end(), T.alpha.begin(), T.alpha.end());
    return numbers;
  };
  const auto quiet = measure();
  const auto guarded_loss = [&] {
    StateGuard guard(*net, 3);
    return net->loss().item<double>();
  };
  const double clean_loss = guarded_loss();
  PlanScope scope(plan, {.step = 5, .rows = 16, .loss_divisor = 16, .sample_ids = {}});
  EXPECT_EQ(measure(), quiet);
  EXPECT_EQ(guarded_loss(), clean_loss);
  EXPECT_TRUE(plan.ledger().take_entries().empty());
  torch::manual_seed(3);
  EXPECT_NE(net->loss().item<double>(), clean_loss);  // outside the guard the rule does fire
  EXPECT_FALSE(plan.ledger().take_entries().empty());
}

TEST(StateGuardTest, OperatorWithoutAGuardIsUnperturbedToo) {
  Rule rule;
  rule.direction = Direction::kBoth;
  rule.perturbation.set("scale", 10);
  Plan plan({rule}, {.seed = 1, .run_steps = 100});
  Net net;
  net->dropout->eval();
  const auto v = random_like(net->parameters());
  const auto product = [&] { return HessianOperator([&] { return net->loss(); }, net->parameters()).apply(v); };
  const auto expected = product();
  PlanScope scope(plan, {.step = 5, .rows = 16, .loss_divisor = 16, .sample_ids = {}});
  const auto under_plan = product();
  for (std::size_t i = 0; i < v.size(); ++i) EXPECT_TRUE(torch::equal(under_plan[i], expected[i]));
}

TEST(StateGuardTest, AttentionHasADoubleBackwardInsideAndItsFlashKernelBackOutside) {
  nn::Linear in(8, 24);
  in->to(torch::kDouble);
  const auto x = torch::randn({2, 5, 8}, torch::kDouble);
  const auto loss = [&] {
    const auto parts = in(x).view({2, 5, 3, 2, 4}).permute({2, 0, 3, 1, 4});
    return at::scaled_dot_product_attention(parts[0], parts[1], parts[2]).pow(2).sum();
  };
  const auto v = random_like(in->parameters());
  ASSERT_TRUE(at::globalContext().userEnabledFlashSDP());
  {
    StateGuard guard(*in);
    HessianOperator hessian(loss, in->parameters());
    const auto scores = [&] {
      const auto parts = in(x).view({2, 5, 3, 2, 4}).permute({2, 0, 3, 1, 4});
      const auto weights = torch::softmax(parts[0].matmul(parts[1].transpose(-1, -2)) / 2, -1);
      return weights.matmul(parts[2]).pow(2).sum();
    };
    HessianOperator by_hand(scores, in->parameters());
    const auto product = hessian.apply(v), expected = by_hand.apply(v);
    for (std::size_t i = 0; i < v.size(); ++i) EXPECT_TRUE(torch::allclose(product[i], expected[i], 1e-9, 1e-9));
  }
  EXPECT_TRUE(at::globalContext().userEnabledFlashSDP());
}

TEST(StateGuardTest, PassOfFirstDerivativesKeepsTheKernelsOfTraining) {
  Net net;
  const bool flash = at::globalContext().userEnabledFlashSDP(), optimizer = torch::jit::getGraphExecutorOptimize();
  const auto buffers = copies(net->buffers());
  {
    StateGuard guard(*net, std::nullopt, Derivatives::kFirst);
    net->loss();
    EXPECT_EQ(at::globalContext().userEnabledFlashSDP(), flash);
    EXPECT_EQ(torch::jit::getGraphExecutorOptimize(), optimizer);
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) EXPECT_TRUE(torch::equal(net->buffers()[i], buffers[i]));
}

TEST(StateGuardTest, TorchScriptProductsAgreeWithEagerOnesHoweverManyAreTaken) {
  const auto unit = torch::jit::compile(R"(
def loss(x, w1, w2):
    return torch.relu(torch.tanh(x.matmul(w1)).matmul(w2)).pow(2).mean()
)");
  nn::Linear holder(1, 1);
  const auto x = torch::randn({12, 5}, torch::kDouble);
  const auto w1 = torch::randn({5, 7}, torch::kDouble).requires_grad_();
  const auto w2 = torch::randn({7, 3}, torch::kDouble).requires_grad_();
  const bool optimizer = torch::jit::getGraphExecutorOptimize();
  {
    StateGuard guard(*holder);
    EXPECT_FALSE(torch::jit::getGraphExecutorOptimize());
    HessianOperator eager([&] { return torch::relu(torch::tanh(x.matmul(w1)).matmul(w2)).pow(2).mean(); }, {w1, w2});
    for (int graph = 0; graph < 4; ++graph) {
      HessianOperator scripted([&] { return unit->run_method("loss", x, w1, w2).toTensor(); }, {w1, w2});
      for (int i = 0; i < 4; ++i) {
        const auto v = random_like({w1, w2});
        const auto product = scripted.apply(v), expected = eager.apply(v);
        for (std::size_t k = 0; k < 2; ++k) EXPECT_TRUE(torch::allclose(product[k], expected[k], 1e-10, 1e-12));
      }
    }
  }
  EXPECT_EQ(torch::jit::getGraphExecutorOptimize(), optimizer);
}

}  // namespace
}  // namespace gradquake::curvature
