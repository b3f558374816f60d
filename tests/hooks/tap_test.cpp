// What a tap does to tensors and gradients.
#include "gradquake/hooks/tap.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <random>
#include <thread>

#include "helpers.h"

namespace gradquake {
namespace {

using test::at_step;
using test::backward_rule;
using test::forward_rule;
using test::make_rule;
using test::random;
using torch::Tensor;

constexpr std::uint64_t kSeed = 3;

Tensor gradient(const Tensor& of, const Tensor& by) { return torch::autograd::grad({of}, {by})[0]; }

// N operators f_i(y) = tanh(y W_i^T), the last with one output; mean loss over the batch. Sites y1 .. y(N-1).
struct Chain {
  explicit Chain(std::int64_t depth) {
    for (std::int64_t i = 0; i < depth; ++i) {
      weights.push_back(random({i + 1 == depth ? 1 : 4, i == 0 ? 5 : 4}, 100 + static_cast<std::uint64_t>(i)));
      weights.back().requires_grad_();
    }
  }
  Tensor loss(Tensor y) const {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      y = torch::tanh(y.mm(weights[i].t()));
      if (i + 1 < weights.size()) y = tap("y" + std::to_string(i + 1), y);
    }
    return y.mean();
  }
  std::vector<Tensor> weights;
};

Tensor draw(const Tensor& like, double scale, std::size_t site, Direction direction, const std::string& label,
            std::int64_t step) {
  return test::draws(like.sizes(), Variate::kGaussian, 0, scale, kSeed, "y" + std::to_string(site), direction, label,
                     step);
}

// (5): y~_i = f_i(y~_{i-1}) + delta_i, v~_{i-1} = J_i^T v~_i + eps_i, u~_i = K_i^T v~_i, for a batch of B: eps / B.
std::vector<Tensor> recursion(const Chain& chain, const Tensor& x, const std::vector<bool>& forward,
                              const std::vector<bool>& backward, std::int64_t step) {
  const std::size_t depth = chain.weights.size();
  const auto batch = static_cast<double>(x.size(0));
  std::vector<Tensor> inputs, clean, gradients(depth);
  Tensor y = x;
  for (std::size_t i = 0; i < depth; ++i) {
    inputs.push_back(y);
    clean.push_back(torch::tanh(y.mm(chain.weights[i].detach().t())));
    y = clean.back();
    if (i + 1 < depth && forward[i + 1]) y = y + draw(y, 0.3, i + 1, Direction::kForward, "delta", step);
  }
  Tensor v = torch::full({x.size(0), 1}, 1 / batch, torch::kFloat64);
  for (std::size_t i = depth; i-- > 0;) {
    const Tensor through = v * (1 - clean[i] * clean[i]);
    gradients[i] = through.t().mm(inputs[i]);
    v = through.mm(chain.weights[i].detach());
    if (i > 0 && backward[i]) v = v + draw(v, 0.2, i, Direction::kBackward, "eps", step) / batch;
  }
  return gradients;
}

class ChainTest : public testing::TestWithParam<int> {};

TEST_P(ChainTest, WeightGradientsEqualTheHandRecursion) {
  const int depth = GetParam();
  std::mt19937_64 choice(static_cast<std::uint64_t>(depth));
  const Chain chain(depth);
  const Tensor x = random({6, 5}, 1);
  for (std::int64_t step = 0; step < 8; ++step) {
    std::vector<bool> forward(static_cast<std::size_t>(depth)), backward(static_cast<std::size_t>(depth));
    std::string forward_sites = "y[", backward_sites = "y[";
    for (std::size_t site = 1; site < forward.size(); ++site) {
      forward[site] = choice() % 2 == 0 || site == 1;
      backward[site] = choice() % 2 == 0 || site + 1 == forward.size();
      forward_sites += forward[site] ? std::to_string(site) : "";
      backward_sites += backward[site] ? std::to_string(site) : "";
    }
    Plan plan({make_rule("delta", forward_sites + "]", Direction::kForward, 0.3),
               make_rule("eps", backward_sites + "]", Direction::kBackward, 0.2)},
              {.seed = kSeed});
    PlanScope scope(plan, {.step = step, .rows = 6, .loss_divisor = 6});
    const auto actual = torch::autograd::grad({chain.loss(x)}, chain.weights);
    const auto expected = recursion(chain, x, forward, backward, step);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_LE((actual[i] - expected[i]).norm().item<double>(), 1e-12 * expected[i].norm().item<double>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(TwoToSixOperators, ChainTest, testing::Range(2, 7));

TEST(TapTest, WithoutAScopeIsTheSameTensorWithNothingRegistered) {
  const Tensor y = random({3, 4}, 1).requires_grad_() * 2;
  const auto node = y.grad_fn();
  const Tensor tapped = tap("site", y);
  EXPECT_TRUE(tapped.is_same(y));
  EXPECT_EQ(tapped.grad_fn(), node);
  EXPECT_EQ(node->tensor_pre_hooks().size(), 0U);
  Tensor moved = y;
  const auto uses = y.use_count();
  moved = tap(Site("site"), std::move(moved));
  EXPECT_EQ(y.use_count(), uses);
}

TEST(TapTest, APlanThatDoesNotFireLeavesBitsGradientsAndGeneratorsUntouched) {
  const Chain chain(4);
  const Tensor x = random({6, 5}, 1);
  const auto clean = torch::autograd::grad({chain.loss(x)}, chain.weights);
  torch::manual_seed(5);
  const Tensor expected = torch::rand({8});
  torch::manual_seed(5);
  Plan plan({at_step(make_rule("never", "*", Direction::kBoth), 1000)}, {});
  PlanScope scope(plan, {.step = 1, .loss_divisor = 1});
  const Tensor loss = chain.loss(x);
  const auto tapped = torch::autograd::grad({loss}, chain.weights);
  for (std::size_t i = 0; i < clean.size(); ++i) EXPECT_TRUE(torch::equal(clean[i], tapped[i]));
  EXPECT_TRUE(torch::equal(torch::rand({8}), expected));
  EXPECT_TRUE(plan.ledger().take_entries().empty());
}

TEST(TapTest, PerturbationsNeverDrawFromTheGlobalGenerator) {
  torch::manual_seed(5);
  const Tensor expected = torch::rand({8});
  torch::manual_seed(5);
  const Chain chain(3);
  Plan plan({make_rule("all", "*", Direction::kBoth)}, {});
  {
    PlanScope scope(plan, {.loss_divisor = 1});
    chain.loss(random({6, 5}, 1)).backward();
  }
  EXPECT_EQ(plan.ledger().take_entries().size(), 4U);
  EXPECT_TRUE(torch::equal(torch::rand({8}), expected));
}

TEST(TapTest, ForwardLeavesTheProducersOwnOutputAlone) {
  // sigmoid saves its output for backward: it must be the clean one.
  const Tensor x = random({4, 3}, 1).requires_grad_();
  Plan plan({forward_rule("site")}, {});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = torch::sigmoid(x);
  const Tensor before = y.detach().clone();
  const Tensor g = gradient(tap("site", y).sum(), x);
  EXPECT_TRUE(torch::equal(y, before));
  EXPECT_TRUE(torch::allclose(g, (before * (1 - before)).detach(), 1e-14, 0));
}

TEST(TapTest, EpsIsAddedOnceToTheSumOverConsumers) {
  const Tensor x = random({4, 3}, 1).requires_grad_();
  Plan plan({backward_rule("site")}, {.seed = kSeed});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = tap("site", x * 2);
  const Tensor g = gradient((y * 3).sum() + (y * y).sum(), x);
  const Tensor eps =
      test::draws({4, 3}, Variate::kGaussian, 0, 0.5, kSeed, "site", Direction::kBackward, "backward", 0);
  EXPECT_TRUE(torch::allclose(g, 2 * (3 + 4 * x.detach() + eps), 1e-14, 1e-14));
  EXPECT_EQ(plan.ledger().take_entries().size(), 1U);
}

TEST(TapTest, EpsOfBothDirectionsIsAddedOnceToTheSumOverConsumers) {
  const Tensor x = random({4, 3}, 1).requires_grad_();
  Plan plan({make_rule("r", "site", Direction::kBoth)}, {.seed = kSeed});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = tap("site", x * 2);
  const Tensor g = gradient((y * 3).sum() + (y * 5).sum(), x);
  const Tensor eps = test::draws({4, 3}, Variate::kGaussian, 0, 0.5, kSeed, "site", Direction::kBackward, "r", 0);
  EXPECT_TRUE(torch::allclose(g, 2 * (8 + eps), 1e-14, 1e-14));
}

TEST(TapTest, AnInPlaceOperatorAfterTheTapKeepsTheGradientRight) {
  for (const Direction direction : {Direction::kForward, Direction::kBackward, Direction::kBoth}) {
    const auto run = [&](bool in_place) {
      const Tensor x = random({8, 3}, 1).requires_grad_();
      Plan plan({make_rule("r", "site", direction)}, {});
      PlanScope scope(plan, {.loss_divisor = 1});
      Tensor y = tap("site", x * 2);
      y = in_place ? y.relu_() : y.relu();
      return gradient((y * y).sum(), x);
    };
    EXPECT_TRUE(torch::equal(run(true), run(false)));
  }
}

TEST(TapTest, WithoutGradModeForwardPerturbsWithoutAGraph) {
  const Tensor x = random({4, 3}, 1).requires_grad_();
  Plan plan({forward_rule("site")}, {});
  const auto run = [&] {
    PlanScope scope(plan, {.loss_divisor = 1});
    return tap("site", x * 2);
  };
  const Tensor with_graph = run();
  const torch::NoGradGuard no_grad;
  const Tensor without = run();
  EXPECT_FALSE(without.requires_grad());
  EXPECT_TRUE(torch::equal(with_graph, without));
  EXPECT_FALSE(torch::equal(without, x * 2));
}

TEST(TapTest, StridesAreKept) {
  const Tensor image = random({2, 3, 4, 5}, 1);
  for (const Tensor& y : {image.contiguous(torch::MemoryFormat::ChannelsLast), image.transpose(1, 2),
                          image.permute({3, 1, 0, 2}), random({6, 4}, 2).t()}) {
    const Tensor tapped = test::perturbed(forward_rule("*"), y);
    EXPECT_EQ(tapped.strides(), y.strides());
    EXPECT_FALSE(torch::equal(tapped, y));
  }
}

TEST(TapTest, SlicedAndExpandedTensorsAreNotWrittenTo) {
  const Tensor base = random({6, 8}, 1);
  const Tensor copy = base.clone();
  for (const Tensor& y : {base.slice(1, 2, 5), base.slice(0, 0, 6, 2), base.slice(1, 0, 1).expand({6, 8})}) {
    const Tensor tapped = test::perturbed(forward_rule("*"), y);
    EXPECT_EQ(tapped.sizes(), y.sizes());
    EXPECT_TRUE((tapped != y).all().item<bool>());
  }
  EXPECT_TRUE(torch::equal(base, copy));
}

TEST(TapTest, AnExpandedGradientIsPerturbedElementByElement) {
  const Tensor x = random({4, 3}, 1).requires_grad_();
  Plan plan({backward_rule("site")}, {.seed = kSeed});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor g = gradient(tap("site", x * 1).sum(), x);  // sum hands back one number, expanded
  const Tensor eps =
      test::draws({4, 3}, Variate::kGaussian, 0, 0.5, kSeed, "site", Direction::kBackward, "backward", 0);
  EXPECT_TRUE(torch::allclose(g, 1 + eps, 1e-14, 0));
}

TEST(TapTest, ASecondDerivativeThroughAForwardTapIsThatOfTheIdentity) {
  const Tensor x = random({5}, 1).requires_grad_();
  Plan plan({forward_rule("site")}, {});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = tap("site", x * x);
  const Tensor g = torch::autograd::grad({(y * y * y).sum()}, {x}, {}, true, true)[0];  // 3 y^2 2x, y = x^2 + delta
  const Tensor second = gradient(g.sum(), x);                                           // 24 x^2 y + 6 y^2
  const Tensor expected = (24 * x * x * y + 6 * y * y).detach();
  EXPECT_TRUE(torch::allclose(second, expected, 1e-13, 1e-13));
}

TEST(TapTest, AThreadWithoutAScopeIsUntouched) {
  Plan plan({forward_rule("site")}, {});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = random({4}, 1);
  bool same = false;
  std::thread([&] { same = tap("site", y).is_same(y); }).join();
  EXPECT_TRUE(same);
  EXPECT_FALSE(tap("site", y).is_same(y));
}

TEST(TapTest, TwoThreadsShareAPlanInScopesOfTheirOwn) {
  Plan plan({forward_rule("site")}, {});
  const Tensor y = random({4}, 1);
  const auto at = [&](std::int64_t step) {
    PlanScope scope(plan, {.step = step, .loss_divisor = 1});
    return tap("site", y);
  };
  const Tensor expected = at(1);
  Tensor other;
  PlanScope scope(plan, {.step = 0, .loss_divisor = 1});
  std::thread([&] { other = at(1); }).join();
  EXPECT_TRUE(torch::equal(other, expected));
  EXPECT_FALSE(torch::equal(tap("site", y), expected));
}

TEST(TapTest, AScopeInsideAPauseIsActiveAndItsPauseEndsWithIt) {
  Plan plan({forward_rule("site")}, {});
  const Tensor y = random({3}, 1);
  PlanScope outer(plan, {.loss_divisor = 1});
  const PlanPause pause;
  EXPECT_TRUE(tap("site", y).is_same(y));
  {
    PlanScope inner(plan, {.loss_divisor = 1});
    EXPECT_FALSE(tap("site", y).is_same(y));
  }
  EXPECT_TRUE(tap("site", y).is_same(y));
}

TEST(TapTest, NestedScopesRestoreTheOuterOne) {
  Plan outer_plan({forward_rule("site")}, {.seed = 1}), inner_plan({forward_rule("site")}, {.seed = 2});
  const Tensor y = random({3}, 1);
  PlanScope outer(outer_plan, {.loss_divisor = 1});
  const Tensor first = tap("site", y);
  {
    PlanScope inner(inner_plan, {.loss_divisor = 1});
    EXPECT_FALSE(torch::equal(tap("site", y), first));
  }
  tap("site", y);
  const auto entries = outer_plan.ledger().take_entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].occurrence, 1);
  EXPECT_EQ(inner_plan.ledger().take_entries().size(), 1U);
}

TEST(TapTest, OneAndTwoThreadsGiveTheSameBits) {
  const Tensor x = random({100, 1000}, 1, torch::kFloat32);
  const auto run = [&](int threads, double& norm) {
    const int before = torch::get_num_threads();
    torch::set_num_threads(threads);
    Plan plan({forward_rule("*")}, {});
    Tensor y;
    {
      PlanScope scope(plan, {.first_row = 3, .rows = 100, .loss_divisor = 1});
      y = tap("site", x);
    }
    torch::set_num_threads(before);
    norm = plan.ledger().take_entries().at(0).norm;
    return y;
  };
  double one = 0, two = 0;
  EXPECT_TRUE(torch::equal(run(1, one), run(2, two)));
  EXPECT_EQ(one, two);
  EXPECT_NEAR(one, 0.5 * std::sqrt(1e5), 1);
}

TEST(TapTest, ASiteKnowsItsNameAndRefusesAnEmptyOne) {
  EXPECT_EQ(Site("layers.0").id(), Site("layers.0").id());
  EXPECT_NE(Site("layers.0").id(), Site("layers.1").id());
  EXPECT_EQ(Site("layers.1").name(), "layers.1");
  EXPECT_THROW(Site(""), std::invalid_argument);
}

TEST(TapTest, ASiteHandleAndItsNameAreOneSite) {
  Plan plan({forward_rule("site")}, {});
  const Tensor y = random({4}, 1);
  const Site site("site");
  const auto run = [&](bool by_handle) {
    PlanScope scope(plan, {.loss_divisor = 1});
    return by_handle ? tap(site, y) : tap("site", y);
  };
  EXPECT_TRUE(torch::equal(run(true), run(false)));
}

TEST(TapTest, IntegerComplexSparseAndMetaTensorsAreRefused) {
  Plan plan({forward_rule("*")}, {});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor dense = torch::ones({3, 3});
  for (const Tensor& refused :
       {torch::ones({3}, torch::kInt64), torch::ones({3}, torch::kBool), torch::ones({3}, torch::kComplexFloat),
        dense.to_sparse(), torch::ones({3}, torch::kMeta), torch::quantize_per_tensor(dense, 0.1, 0, torch::kQInt8)}) {
    EXPECT_THROW(tap("site", refused), std::invalid_argument) << refused.toString();
  }
}

TEST(TapTest, AnIntegerTensorPassesWhereNoRuleFires) {
  Plan plan({forward_rule("other")}, {});
  PlanScope scope(plan, {.loss_divisor = 1});
  const Tensor y = torch::ones({3}, torch::kInt64);
  EXPECT_TRUE(tap("site", y).is_same(y));
}

}  // namespace
}  // namespace gradquake
