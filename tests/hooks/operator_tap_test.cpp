#include "gradquake/hooks/sites/operator_tap.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/operator_mode.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::make_rule;
using test::random;
using torch::Tensor;
using Names = std::vector<std::string>;

// h = W x, y = V h + h: h has two readers. `sited`: with the sites of operators.
struct Residual : torch::nn::Module {
  Residual() { to(torch::kFloat64); }
  Tensor forward(const Tensor& x, bool sited = true) {
    const auto first = [this](const Tensor& own) { return f->forward(own); };
    const auto second = [this](const Tensor& own) { return g->forward(own); };
    if (!sited) {
      const Tensor h = first(x);
      return second(h) + h;
    }
    const Tensor h = tap_operator(Site("f"), *f, x, first);
    return tap_operator(Site("g"), *g, h, second) + h;
  }
  torch::nn::Linear f{register_module("f", torch::nn::Linear(3, 4))};
  torch::nn::Linear g{register_module("g", torch::nn::Linear(4, 4))};
};

struct Outcome {
  Tensor output, input;  // the input's gradient
  std::vector<Tensor> gradients;
};

const Tensor& weights_of_loss() {
  static const Tensor weights = random({2, 4}, 9);
  return weights;
}

Outcome differentiate(Residual& net, const Tensor& output, const Tensor& x) {
  std::vector<Tensor> inputs = net.parameters();
  inputs.push_back(x);
  std::vector<Tensor> gradients = torch::autograd::grad({(output * weights_of_loss()).sum()}, inputs);
  Outcome outcome{output.detach(), gradients.back(), {}};
  gradients.pop_back();
  outcome.gradients = std::move(gradients);
  return outcome;
}

Tensor batch() { return random({2, 3}, 1).requires_grad_(); }

Outcome step(Residual& net, const Rule& rule, std::map<std::string, std::string> aliases = {}, bool sited = true) {
  const Tensor x = batch();
  Plan plan({rule}, {.seed = 7, .aliases = std::move(aliases)});
  const PlanScope scope(plan, {.step = 2, .rows = 2, .loss_divisor = 1});
  return differentiate(net, net.forward(x, sited), x);
}

Rule rule_at(const std::string& sites, Direction direction) { return make_rule("r", sites, direction, 0.5); }

Tensor noise(torch::IntArrayRef shape, const std::string& site, Direction direction) {
  return test::draws(shape, Variate::kGaussian, 0, 0.5, 7, site, direction, "r", 2);
}

constexpr double kTolerance = 1e-13;

void expect_close(const Tensor& actual, const Tensor& expected, const std::string& what) {
  EXPECT_TRUE(torch::allclose(actual, expected, kTolerance, kTolerance)) << what << '\n' << actual - expected;
}

TEST(OperatorTapTest, DeltaAtAnInputReachesItsReaderAlone) {
  Residual net;
  const Outcome found = step(net, rule_at("g:input", Direction::kForward));
  const torch::NoGradGuard no_grad;
  const Tensor delta = noise({2, 4}, "g:input", Direction::kForward), h = net.f->forward(batch());
  const Tensor v = weights_of_loss();
  expect_close(found.output, net.g->forward(h + delta) + h, "output");
  expect_close(found.gradients[2], v.t().mm(h + delta), "dV");
  expect_close(found.input, (v.mm(net.g->weight) + v).mm(net.f->weight), "dx");
}

TEST(OperatorTapTest, EpsAtAnInputIsAddedBeforeTheReadersAreSummed) {
  Residual net;
  const Outcome clean = step(net, rule_at("nowhere", Direction::kForward));
  const Outcome found = step(net, rule_at("g:input", Direction::kBackward));
  const torch::NoGradGuard no_grad;
  const Tensor eps = noise({2, 4}, "g:input", Direction::kBackward), v = weights_of_loss();
  const Tensor v_h = v.mm(net.g->weight) + eps + v;
  EXPECT_TRUE(torch::equal(found.output, clean.output));
  EXPECT_TRUE(torch::equal(found.gradients[2], clean.gradients[2]));
  expect_close(found.gradients[0], v_h.t().mm(batch()), "dW");
  expect_close(found.input, v_h.mm(net.f->weight), "dx");
}

TEST(OperatorTapTest, WhereATensorHasOneReaderItsInputIsTheProducersSite) {
  torch::nn::Linear f(3, 4), g(4, 4);
  const auto gradients = [&](const std::string& sites, Direction direction) {
    Plan plan({rule_at(sites, direction)}, {.seed = 7, .aliases = {{"g:input", "f"}}});
    const PlanScope scope(plan, {.rows = 2, .loss_divisor = 1});
    const Tensor h = tap_operator(Site("f"), *f, random({2, 3}, 1, torch::kFloat32),
                                  [&](const Tensor& own) { return torch::tanh(f->forward(own)); });
    const Tensor y = tap_operator(Site("g"), *g, h, [&](const Tensor& own) { return g->forward(own); });
    return torch::autograd::grad({y.square().sum()}, {f->weight, f->bias, g->weight, g->bias});
  };
  for (const Direction direction : {Direction::kForward, Direction::kBackward, Direction::kBoth}) {
    const auto expected = gradients("f", direction), found = gradients("g:input", direction);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(found[i], expected[i])) << i;
    EXPECT_FALSE(torch::equal(gradients("nowhere", direction)[0], expected[0]));
  }
}

// A linear map keeps its input for K = dy/dV alone: what it passes on, forward and backward, is as it was.
TEST(OperatorTapTest, AKeptTensorChangesWhatTheBackwardPassComputesFromItAndNothingElse) {
  Residual net;
  const Outcome clean = step(net, rule_at("nowhere", Direction::kForward));
  const Outcome found = step(net, rule_at("g:saved.0", Direction::kForward));
  EXPECT_TRUE(torch::equal(found.output, clean.output));
  EXPECT_TRUE(torch::equal(found.input, clean.input));
  for (const std::size_t same : {0U, 1U, 3U}) EXPECT_TRUE(torch::equal(found.gradients[same], clean.gradients[same]));
  const torch::NoGradGuard no_grad;
  const Tensor delta = noise({2, 4}, "g:saved.0", Direction::kForward);
  expect_close(found.gradients[2], clean.gradients[2] + weights_of_loss().t().mm(delta), "dV");
}

TEST(OperatorTapTest, TheDerivativeOfAKeptOutputIsTakenAtThePerturbedOne) {
  const Tensor x = batch(), y = x.detach().tanh();
  torch::nn::Module none;
  Plan plan({rule_at("t:saved.0", Direction::kForward)}, {.seed = 7});
  const PlanScope scope(plan, {.step = 2, .rows = 2});
  const Tensor output = tap_operator(Site("t"), none, x, [](const Tensor& own) { return own.tanh(); });
  EXPECT_TRUE(torch::equal(output.detach(), y));
  const Tensor kept = y + noise({2, 3}, "t:saved.0", Direction::kForward);
  expect_close(torch::autograd::grad({output.sum()}, {x})[0], 1 - kept.square(), "1 - kept^2");
}

TEST(OperatorTapTest, TheLedgerHoldsWhatWasAddedToAKeptTensor) {
  Residual net;
  Plan plan({rule_at("*:saved.*", Direction::kForward)}, {.seed = 7});
  {
    const Tensor x = batch();
    const PlanScope scope(plan, {.step = 2, .rows = 2});
    differentiate(net, net.forward(x), x);
  }
  const auto entries = plan.ledger().take_entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].site, "g:saved.0");
  EXPECT_EQ(entries[1].direction, "forward");
  EXPECT_NEAR(entries[1].norm, noise({2, 4}, "g:saved.0", Direction::kForward).norm().item<double>(), 1e-12);
  EXPECT_TRUE(plan.ledger().warnings().empty());
}

TEST(OperatorTapTest, ADryRunListsWhatOperatorsReadAndKeepBesideParameters) {
  Residual net;
  const SiteRecorder recorder;
  net.forward(batch());
  EXPECT_EQ(recorder.names(), (Names{"f:input", "f:saved.0", "f", "g:input", "g:saved.0", "g"}));
  EXPECT_EQ(recorder.boundaries(), (Names{"f", "g"}));
  EXPECT_EQ(recorder.sites()[4].shape, (std::vector<std::int64_t>{2, 4}));
  EXPECT_FALSE(recorder.sites()[4].requires_grad);
}

TEST(OperatorTapTest, WithoutGradientsNothingIsKept) {
  Residual net;
  const torch::NoGradGuard no_grad;
  const SiteRecorder recorder;
  net.forward(batch());
  EXPECT_EQ(recorder.names(), (Names{"f:input", "f", "g:input", "g"}));
}

TEST(OperatorTapTest, OnlyThoseWhoAskMeetTheSitesBeneath) {
  Residual net;
  const Outcome plain = step(net, rule_at("*", Direction::kBoth));
  Names seen;
  const auto note = [&](const TapPoint& at, const Tensor&) {
    seen.push_back(at.site.name());
    return Tensor();
  };
  {
    const ObserverScope scope({.on_forward = note});
    net.forward(batch());
  }
  EXPECT_EQ(seen, (Names{"f", "g"}));
  const ObserverScope asking({.on_forward = note, .beneath = true});
  const Outcome watched = step(net, rule_at("*", Direction::kBoth));
  for (std::size_t i = 0; i < plain.gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(watched.gradients[i], plain.gradients[i])) << i;
}

TEST(OperatorTapTest, AnObserverSeesTheGradientOfOneReader) {
  Residual net;
  Tensor seen;
  const ObserverScope scope({.on_backward =
                                 [&](const TapPoint& at, const Tensor& gradient) {
                                   if (at.site.name() == "g:input") seen = gradient.clone();
                                   return Tensor();
                                 },
                             .beneath = true});
  const Tensor x = batch();
  differentiate(net, net.forward(x), x);
  expect_close(seen, weights_of_loss().mm(net.g->weight.detach()), "V^T v");
}

TEST(OperatorTapTest, APlanThatKnowsItsSitesRefusesAGradientOfAKeptTensor) {
  const Names sites{"g", "g:input", "g:saved.0"};
  const auto make = [&](const std::string& glob, Direction direction) {
    return test::message_of([&] { Plan({rule_at(glob, direction)}, {}, sites); });
  };
  test::expect_mentions(make("*:saved.*", Direction::kBoth), {"direction forward", "'g:saved.0'", "got both"});
  EXPECT_EQ(make("*:saved.*", Direction::kForward), "");
  EXPECT_EQ(make("*:input", Direction::kBoth), "");
}

TEST(OperatorTapTest, ABackwardCallAfterThePauseOfAPlanIsThatOfTheForwardPassThatWasMade) {
  Residual net;
  const Outcome found = step(net, rule_at("g:saved.0", Direction::kForward));
  const Tensor x = batch();
  Plan plan({rule_at("g:saved.0", Direction::kForward)}, {.seed = 7});
  const PlanScope scope(plan, {.step = 2, .rows = 2});
  const Tensor y = net.forward(x);
  const PlanPause pause;
  EXPECT_TRUE(torch::equal(differentiate(net, y, x).gradients[2], found.gradients[2]));
  EXPECT_FALSE(torch::equal(differentiate(net, net.forward(x), x).gradients[2], found.gradients[2]));
}

TEST(OperatorTapTest, WritingIntoAKeptTensorIsRefusedAsLibTorchRefusesIt) {
  torch::nn::Module none;
  const SiteRecorder recorder;
  const Tensor x = batch();
  const Tensor y = tap_operator(Site("t"), none, x * 2, [](const Tensor& own) { return own.sigmoid(); });
  y.mul_(2);
  EXPECT_THROW(torch::autograd::grad({y.sum()}, {x}), c10::Error);
}

TEST(OperatorTapTest, AGraphWithKeptTensorsIsFreedWithItsOutput) {
  torch::nn::Module none;
  const SiteRecorder recorder;
  c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl> middle = [&] {
    const Tensor x = batch() * 1;
    const auto squash = [](const Tensor& own) { return own.tanh().sigmoid(); };
    const Tensor y = tap_operator(Site("t"), none, x, squash);
    return c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>(x.getIntrusivePtr());
  }();
  EXPECT_TRUE(middle.expired());
}

TEST(OperatorTapTest, AGraphOutlivesTheScopeAndTheModelUnderWhichItWasMade) {
  Tensor y, x = batch();
  {
    Residual net;
    Plan plan({rule_at("*:saved.*", Direction::kForward)}, {.seed = 7});
    const PlanScope scope(plan, {.step = 2, .rows = 2});
    y = net.forward(x);
  }
  EXPECT_EQ(torch::autograd::grad({y.sum()}, {x})[0].sizes(), x.sizes());
}

TEST(OperatorTapTest, OperatorModeHasTheSameSitesBitForBit) {
  Residual net;
  const OperatorSites sites = operator_sites(net);
  const auto in_mode = [&](const Rule& rule) {
    const Tensor x = batch();
    Plan plan({rule}, {.seed = 7});
    const PlanScope scope(plan, {.step = 2, .rows = 2, .loss_divisor = 1});
    Tensor y;
    {
      const OperatorModeScope mode(sites);
      y = net.forward(x, false);
    }
    return differentiate(net, y, x);
  };
  for (const Rule& rule : {rule_at("g:input", Direction::kBoth), rule_at("[fg]:saved.0", Direction::kForward)}) {
    const Outcome expected = step(net, rule), found = in_mode(rule);
    for (std::size_t i = 0; i < expected.gradients.size(); ++i)
      EXPECT_TRUE(torch::equal(found.gradients[i], expected.gradients[i])) << rule.sites << ' ' << i;
    EXPECT_FALSE(torch::equal(in_mode(rule_at("nowhere", Direction::kForward)).gradients[2], found.gradients[2]));
  }
}

TEST(OperatorTapTest, OperatorModeNamesTheReadersOfAResidualStreamApart) {
  Residual net;
  const OperatorSites sites = operator_sites(net);
  const SiteRecorder recorder;
  const OperatorModeScope mode(sites);
  net.forward(batch(), false).tanh();
  EXPECT_EQ(recorder.names(), (Names{"f:input", "f:saved.0", "f", "g:input", "g:saved.0", "g", "add.0:input.0",
                                     "add.0:input.1", "add.0", "tanh.0:input", "tanh.0:saved.0", "tanh.0"}));
}

// On more than two dimensions a linear map is a product and, behind it, the addition of its bias.
TEST(OperatorTapTest, OperatorModeFindsWhatAModuleOfSeveralOperatorsReads) {
  Residual net;
  const OperatorSites sites = operator_sites(net);
  const SiteRecorder recorder;
  const OperatorModeScope mode(sites);
  net.f->forward(random({2, 5, 3}, 1));
  EXPECT_EQ(recorder.names(), (Names{"f:input", "f:saved.0", "f"}));
}

}  // namespace
}  // namespace gradquake
