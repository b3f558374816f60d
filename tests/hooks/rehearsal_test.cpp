#include "gradquake/hooks/rehearsal.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gradquake/hooks/perturbation.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::at_step;
using test::backward_rule;
using test::forward_rule;
using test::make_rule;
using test::random;
using torch::Tensor;

// Counts its calls; throws, from LibTorch, where it is told to.
struct Own : Perturbation {
  explicit Own(bool goes_beyond) : beyond(goes_beyond) {}
  Perturbed apply(const Tensor& y, const PerturbationContext& context) const override {
    ++(context.direction == Direction::kForward ? forward : backward);
    if (beyond) return {y.narrow(0, 0, 1000), {}};
    return {y * 2, {}};
  }
  bool beyond;
  static inline int forward = 0, backward = 0;
};

void register_own() {
  static const bool once = [] {
    perturbations().add({"own", "doubles"}, [](const KindSpec&) { return std::make_unique<Own>(false); });
    perturbations().add({"beyond", "throws"}, [](const KindSpec&) { return std::make_unique<Own>(true); });
    perturbations().add({"unmade", "cannot be made"}, [](const KindSpec&) -> std::unique_ptr<Perturbation> {
      throw std::runtime_error("no table\nfor this");
    });
    return true;
  }();
  (void)once;
}

Rule of_kind(const std::string& label, const std::string& sites, Direction direction, const std::string& kind) {
  Rule rule = make_rule(label, sites, direction);
  rule.perturbation = kind;
  return rule;
}

// "rule key: message" of a rehearsal of one pass of two sites; empty: it went well.
std::string rehearsed(std::vector<Rule> rules, StepContext context = {.rows = 4, .loss_divisor = 4},
                      const Tensor& x = random({4, 3}, 1, torch::kFloat32)) {
  try {
    const Plan plan(std::move(rules), {.run_steps = 100}, {"a", "b"});
    const Rehearsal rehearsal(plan, std::move(context));
    Tensor y = tap("a", x.is_floating_point() ? x.clone().requires_grad_() * 1 : x);
    if (y.is_floating_point()) tap("b", y.flatten()).sum().backward();
  } catch (const RuleError& error) {
    return std::to_string(error.rule()) + ' ' + error.key() + ": " + error.what();
  }
  return "";
}

void expect_error(const std::string& message, const std::string& start, const std::vector<std::string>& parts) {
  EXPECT_EQ(message.rfind(start, 0), 0) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
}

TEST(RehearsalTest, EveryRuleIsTriedOnceAtEverySiteAndDirectionEvenIfItFiresLate) {
  register_own();
  Own::forward = Own::backward = 0;
  EXPECT_EQ(rehearsed({at_step(of_kind("late", "*", Direction::kBoth, "own"), 99)}), "");
  EXPECT_EQ(Own::forward, 2);
  EXPECT_EQ(Own::backward, 2);
}

TEST(RehearsalTest, NothingIsPerturbedLedgeredOrWarnedOf) {
  Plan plan({make_rule("r", "*", Direction::kBoth)}, {}, {"a", "never"});
  const Tensor x = random({4}, 1).requires_grad_();
  {
    const Rehearsal rehearsal(plan, {.rows = 4, .loss_divisor = 1});
    const Tensor y = tap("a", x * 1);
    EXPECT_TRUE(torch::equal(y, x));
    y.sum().backward();
  }
  EXPECT_TRUE(torch::equal(x.grad(), torch::ones({4}, torch::kFloat64)));
  EXPECT_TRUE(plan.ledger().take_entries().empty());
  EXPECT_TRUE(plan.ledger().warnings().empty());
}

TEST(RehearsalTest, AKindThatThrowsComesOutAsOneLineNamingKindSiteAndKey) {
  register_own();
  expect_error(rehearsed({forward_rule("*"), of_kind("r", "b", Direction::kForward, "beyond")}),
               "1 kind: ", {"[hooks] rule 'r' of kind 'beyond' at site 'b', forward: ", "length"});
  expect_error(rehearsed({of_kind("r", "a", Direction::kBackward, "beyond")}), "0 kind: ", {"'a', backward: "});
  expect_error(rehearsed({of_kind("r", "a", Direction::kBackward, "unmade")}), "0 kind: ", {"no table"});
}

TEST(RehearsalTest, ATensorThatTakesNoPerturbationIsFoundBeforeTheRun) {
  expect_error(rehearsed({forward_rule("a")}, {.rows = 4}, torch::ones({4}, torch::kInt64)),
               "0 sites: ", {"'a'", "Long"});
}

TEST(RehearsalTest, SamplesThatCannotBeToldApartAreFoundBeforeTheRun) {
  Rule rule = forward_rule("*");
  rule.perturbation.set("draw", "per_sample");
  EXPECT_EQ(rehearsed({rule}), "");
  expect_error(rehearsed({rule}, {.rows = 5}), "0 draw: ", {"per_sample", "[4, 3]"});
  expect_error(rehearsed({forward_rule("*")}, {.first_row = 5, .rows = 5}), "0 sites: ", {"batch_dim"});
}

TEST(RehearsalTest, NumbersBeyondTheDtypeAreFoundWithTheLargestAmplitudeOfTheRun) {
  Rule grows = backward_rule("a", 1e37);
  EXPECT_EQ(rehearsed({grows}), "");
  grows.schedule = {"every", {{"amplitude", KindSpec{"linear", {{"from", 0}, {"to", 1000}, {"end", 90}}}}}};
  expect_error(rehearsed({grows}), "0 scale: ", {"'a'", "3.40282e+38"});
  Rule relative = forward_rule("a", 1e39);
  relative.perturbation.set("relative_to", "rms");
  expect_error(rehearsed({relative}), "0 scale: ", {"3.40282e+38"});
  EXPECT_EQ(rehearsed({relative}, {.rows = 4}, random({4, 3}, 1)), "");
}

}  // namespace
}  // namespace gradquake
