#include "gradquake/hooks/observe.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/hooks/tap.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::backward_rule;
using test::forward_rule;
using test::make_rule;
using test::random;
using torch::Tensor;

Tensor leaf(const Tensor& values) { return values.clone().requires_grad_(); }

struct Seen {
  std::string who, what, site;
  std::int64_t occurrence;
  Tensor tensor;
};

// Keeps what it sees; answers with what `forward` and `backward` make of it.
Observer watcher(std::vector<Seen>& seen, const std::string& who = "") {
  const auto keep = [&seen, who](const char* what) {
    return [&seen, who, what](const TapPoint& at, const Tensor& tensor) {
      seen.push_back({who, what, at.site.name(), at.occurrence, tensor.detach().clone()});
      return Tensor();
    };
  };
  return {.on_forward = keep("forward"), .on_backward = keep("backward")};
}

struct Net : torch::nn::Module {
  torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(3, 4));
  torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(4, 1));
  Tensor forward(Tensor x) {
    x = tap("fc1", torch::relu(fc1(x)));
    return tap("fc2", fc2(x));
  }
};

// The example of observe.h.
void print_norms(Net& net, const torch::Tensor& x) {
  const auto print = [](const char* what) {
    return [what](const gradquake::TapPoint& at, const torch::Tensor& tensor) {
      std::cout << at.site.name() << ' ' << what << ' ' << tensor.norm().item<double>() << '\n';
      return torch::Tensor();  // undefined: leave it as it is
    };
  };
  const gradquake::ObserverScope scope({.on_forward = print("activation"), .on_backward = print("gradient")});
  net.forward(x).sum().backward();
}

TEST(ObserveTest, TheExamplePrintsEveryActivationAndItsGradient) {
  Net net;
  std::ostringstream text;
  auto* const before = std::cout.rdbuf(text.rdbuf());
  print_norms(net, torch::ones({2, 3}));
  std::cout.rdbuf(before);
  std::istringstream lines(text.str());
  std::vector<std::string> words;
  std::string site, what;
  double norm = 0;
  while (lines >> site >> what >> norm) words.push_back(site + ' ' + what);
  EXPECT_EQ(words, (std::vector<std::string>{"fc1 activation", "fc2 activation", "fc2 gradient", "fc1 gradient"}));
  EXPECT_NEAR(norm, std::sqrt(2.0) * net.fc2->weight.norm().item<double>(), 1e-4);  // d sum / d fc1, two samples
}

TEST(ObserveTest, WatchingChangesNoTensorAndNoGradient) {
  Net net;
  const Tensor x = random({5, 3}, 1, torch::kFloat32);
  net.forward(x).sum().backward();
  const Tensor plain = net.fc1->weight.grad().clone();
  net.zero_grad();
  std::vector<Seen> seen;
  {
    const ObserverScope scope(watcher(seen));
    const Tensor y = random({2}, 2);
    EXPECT_TRUE(tap("y", y).is_same(y));
    net.forward(x).sum().backward();
  }
  EXPECT_TRUE(torch::equal(net.fc1->weight.grad(), plain));
  EXPECT_EQ(seen.size(), 5U);
}

TEST(ObserveTest, ObserversReplaceTensorsAndGradients) {
  const Tensor x = leaf(random({3}, 1));
  const ObserverScope scope({.on_forward = [](const TapPoint&, const Tensor& y) { return y * 3; },
                             .on_backward = [](const TapPoint&, const Tensor& g) { return g + 10; }});
  const Tensor y = tap("site", x * 2);
  EXPECT_TRUE(torch::allclose(y, x * 6));
  y.sum().backward();
  EXPECT_TRUE(torch::allclose(x.grad(), torch::full({3}, 66.0, torch::kFloat64)));  // (1 + 10) * 3 * 2
}

TEST(ObserveTest, AnUnlikeAnswerIsRefused) {
  const ObserverScope shape({.on_forward = [](const TapPoint&, const Tensor&) { return torch::ones({7}); }});
  EXPECT_THROW(tap("site", torch::ones({3})), std::invalid_argument);
  const ObserverScope dtype({.on_forward = [](const TapPoint&, const Tensor& y) { return y.to(torch::kFloat64); }});
  EXPECT_THROW(tap("site", torch::ones({7})), std::invalid_argument);
}

TEST(ObserveTest, OuterObserversStandBeforeThePlanAndInnerOnesBehindIt) {
  Plan plan({make_rule("both", "site", Direction::kBoth, 1, "constant")}, {});
  const Tensor x = leaf(torch::zeros({2}, torch::kFloat64));
  std::vector<Seen> seen;
  {
    const ObserverScope outer(watcher(seen, "outer"));
    PlanScope scope(plan, {.rows = 2, .loss_divisor = 1});
    const ObserverScope inner(watcher(seen, "inner"));
    const ObserverScope innermost(watcher(seen, "innermost"));
    tap("site", x * 1).sum().backward();
  }
  std::vector<std::string> order;
  std::vector<double> values;
  for (const Seen& one : seen) {
    order.push_back(one.who + ' ' + one.what);
    values.push_back(one.tensor[0].item<double>());
  }
  EXPECT_EQ(order, (std::vector<std::string>{"outer forward", "inner forward", "innermost forward",
                                             "innermost backward", "inner backward", "outer backward"}));
  EXPECT_EQ(values, (std::vector<double>{0, 1, 1, 1, 1, 2}));
  EXPECT_EQ(x.grad()[0].item<double>(), 2);
}

// No forward rule fires: everyone hooks one and the same tensor.
TEST(ObserveTest, TheOrderHoldsWhereThePlanPerturbsTheGradientOnly) {
  Plan plan({make_rule("b", "site", Direction::kBackward, 1, "constant")}, {});
  const Tensor x = leaf(torch::zeros({2}, torch::kFloat64));
  std::vector<Seen> seen;
  {
    const ObserverScope outer(watcher(seen, "outer"));
    PlanScope scope(plan, {.rows = 2, .loss_divisor = 1});
    const ObserverScope inner({.on_backward = [](const TapPoint&, const Tensor& g) { return g * 10; }});
    tap("site", x * 1).sum().backward();
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].tensor[0].item<double>(), 11);
  EXPECT_EQ(x.grad()[0].item<double>(), 11);
}

TEST(ObserveTest, WhatAnOuterObserverHandsOnIsPerturbed) {
  Plan plan({make_rule("f", "site", Direction::kForward, 1, "constant")}, {});
  const ObserverScope outer({.on_forward = [](const TapPoint&, const Tensor& y) { return y + 5; }});
  PlanScope scope(plan, {.step = 0, .rows = 2});
  EXPECT_EQ(tap("site", torch::zeros({2}))[0].item<double>(), 6);
}

TEST(ObserveTest, ThePlanDrawsTheSameWithAndWithoutObservers) {
  const auto run = [](bool observed) {
    Plan plan({make_rule("all", "*", Direction::kBoth)}, {.seed = 3});
    const Tensor x = leaf(random({4}, 1));
    std::vector<Seen> seen;
    const ObserverScope outer(observed ? watcher(seen) : Observer{});
    PlanScope scope(plan, {.rows = 4, .loss_divisor = 4});
    const ObserverScope inner(observed ? watcher(seen) : Observer{});
    tap("b", tap("a", x * 2).tanh()).sum().backward();
    return x.grad();
  };
  EXPECT_TRUE(torch::equal(run(true), run(false)));
}

TEST(ObserveTest, APauseHidesOuterObserversForwardAndBackward) {
  std::vector<Seen> seen, inside;
  const ObserverScope scope(watcher(seen));
  const Tensor x = leaf(random({3}, 1));
  const Tensor before = tap("site", x * 2);
  {
    const PlanPause pause;
    const Tensor y = random({2}, 2);
    EXPECT_TRUE(tap("site", y).is_same(y));
    torch::autograd::grad({before.sum()}, {x}, {}, true);
    const ObserverScope inner(watcher(inside));
    tap("site", y);
  }
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(inside.size(), 1U);
  before.sum().backward();
  EXPECT_EQ(seen.size(), 2U);
}

TEST(ObserveTest, GradientsAreSeenAsLongAsTheScopeLives) {
  std::vector<Seen> seen;
  const auto captured = std::make_shared<int>(0);
  const Tensor x = leaf(random({3}, 1));
  Tensor y;
  {
    const ObserverScope scope({.on_backward = [&seen, captured](const TapPoint&, const Tensor& g) {
      seen.push_back({});
      return g * 100;
    }});
    y = tap("site", x * 2);
  }
  y.sum().backward();
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(x.grad()[0].item<double>(), 2);
  EXPECT_EQ(captured.use_count(), 1);  // the graph that still lives holds nothing of the observer
}

// Each pass hooks for itself: a tensor that outlives the pass collects nothing.
TEST(ObserveTest, ATappedParameterIsHookedOnceAPass) {
  const Tensor weight = leaf(random({3}, 1));
  std::vector<Seen> seen;
  const ObserverScope scope(watcher(seen));
  for (int pass = 0; pass < 3; ++pass) tap("weight", weight).sum().backward();
  EXPECT_EQ(seen.size(), 6U);
}

TEST(ObserveTest, ATappedParameterTakesABackwardRuleStepAfterStep) {
  const Tensor weight = leaf(torch::zeros({3}, torch::kFloat64));
  Plan plan({make_rule("b", "weight", Direction::kBackward, 1, "constant")}, {});
  for (std::int64_t step = 0; step < 3; ++step) {
    weight.mutable_grad() = Tensor();
    PlanScope scope(plan, {.step = step, .rows = 3, .loss_divisor = 1});
    tap("weight", weight).sum().backward();
    EXPECT_EQ(weight.grad()[0].item<double>(), 2) << step;
  }
}

TEST(ObserveTest, OccurrencesAreThoseOfTheInnermostPlanOrElseTheScope) {
  Plan plan({forward_rule("other")}, {});
  std::vector<Seen> seen;
  const ObserverScope scope(watcher(seen));
  const Tensor y = random({2}, 1);
  for (std::int64_t step = 0; step < 2; ++step) {
    const PlanScope one(plan, {.step = step});
    tap("site", y);
    tap("site", y);
  }
  tap("site", y);
  std::vector<std::int64_t> occurrences;
  for (const Seen& one : seen) occurrences.push_back(one.occurrence);
  EXPECT_EQ(occurrences, (std::vector<std::int64_t>{0, 1, 0, 1, 4}));
}

// Activation recomputation: an inner observer still sees what the plan left, with the first pass's occurrence.
TEST(ObserveTest, ARecomputationPassesTheObserversInTheirOrder) {
  Plan plan({forward_rule("site")}, {});
  std::vector<Seen> seen;
  const Tensor y = random({3}, 1);
  PlanScope scope(plan, {});
  const ObserverScope inner(watcher(seen));
  const OccurrenceMark mark = occurrence_mark();
  const Tensor first = tap("site", y);
  {
    const RecomputeScope replay(mark);
    EXPECT_TRUE(torch::equal(tap("site", y), first));
  }
  EXPECT_FALSE(torch::equal(tap("site", y), first));
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_TRUE(torch::equal(seen[1].tensor, first));
  EXPECT_EQ(seen[1].occurrence, 0);
  EXPECT_EQ(seen[2].occurrence, 1);
  EXPECT_EQ(plan.ledger().take_entries().size(), 2U);
}

TEST(ObserveTest, ARecorderSeesNoPerturbationAndAnObserverMayRunAModel) {
  Plan plan({forward_rule("*")}, {});
  PlanScope scope(plan, {});
  const SiteRecorder recorder;
  Tensor inside;
  const ObserverScope runs_a_model({.on_forward = [&](const TapPoint&, const Tensor& y) {
    inside = tap("not seen", y * 2);
    return Tensor();
  }});
  const Tensor y = random({3}, 1);
  EXPECT_TRUE(tap("site", y).is_same(y));
  EXPECT_TRUE(torch::equal(inside, y * 2));
  EXPECT_EQ(recorder.names(), std::vector<std::string>{"site"});
}

TEST(ObserveTest, OtherThreadsAreUntouched) {
  std::vector<Seen> seen;
  const ObserverScope scope(watcher(seen));
  std::thread([] { tap("site", torch::ones({2})); }).join();
  EXPECT_TRUE(seen.empty());
}

TEST(ObserveTest, ReplacedGradientsHaveASecondDerivative) {
  const Tensor x = leaf(random({3}, 1));
  const ObserverScope scope({.on_backward = [](const TapPoint&, const Tensor& g) { return g * 3; }});
  const Tensor y = tap("site", x * x);
  const Tensor first = torch::autograd::grad({y.sum()}, {x}, {}, true, true)[0];
  const Tensor second = torch::autograd::grad({first.sum()}, {x})[0];
  EXPECT_TRUE(torch::allclose(second, torch::full({3}, 6.0, torch::kFloat64)));
}

}  // namespace
}  // namespace gradquake
