#include "gradquake/measure/injection_totals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "gradquake/hooks/perturbation.h"

namespace gradquake::measure {
namespace {

Rule rule(const std::string& label, const std::string& kind, double mean, double scale) {
  Rule made;
  made.label = label;
  made.perturbation = {kind, {{"mean", mean}, {"scale", scale}}};
  return made;
}

struct OfOnesOwn : Perturbation {
  Perturbed apply(const at::Tensor& tensor, const PerturbationContext&) const override { return {tensor, {}}; }
};

StepRecord step(std::vector<InjectionRecord> injections) {
  StepRecord record;
  record.injections = std::move(injections);
  return record;
}

InjectionRecord injection(const std::string& rule, const std::string& site, const std::string& direction, double norm) {
  InjectionRecord record;
  record.rule = rule;
  record.site = site;
  record.direction = direction;
  record.norm = norm;
  return record;
}

TEST(InjectionTotalsTest, TheShareOfTheMeanIsThatOfEachDistribution) {
  EXPECT_DOUBLE_EQ(mean_share(rule("a", "gaussian", 3, 4).perturbation), 9.0 / 25);
  EXPECT_DOUBLE_EQ(mean_share(rule("a", "rademacher", 3, 4).perturbation), 9.0 / 25);
  EXPECT_DOUBLE_EQ(mean_share(rule("a", "uniform", 3, 6).perturbation), 9.0 / 21);
  EXPECT_DOUBLE_EQ(mean_share(rule("a", "constant", 0, 4).perturbation), 1);
  perturbations().add({"of-ones-own", "nothing"}, [](const KindSpec&) { return std::make_unique<OfOnesOwn>(); });
  EXPECT_DOUBLE_EQ(mean_share("of-ones-own"), 1);
  EXPECT_DOUBLE_EQ(mean_share(rule("a", "gaussian", 0, 0).perturbation), 0);
}

TEST(InjectionTotalsTest, SizesArePerSampleAndOfTheLargestSite) {
  InjectionTotals totals({rule("a", "gaussian", 3, 4)}, 4);
  totals.add(step({injection("a", "x", "forward", 2), injection("a", "y", "forward", 10)}));
  totals.add(step({injection("a", "x", "forward", 4)}));
  totals.add(step({injection("a", "x", "backward", 6)}));
  EXPECT_DOUBLE_EQ(totals.sizes().delta_rms, 5);         // y: 10 / sqrt(4)
  EXPECT_DOUBLE_EQ(totals.sizes().delta_mean, 5 * 0.6);  // sqrt(9/25)
  EXPECT_DOUBLE_EQ(totals.sizes().eps_rms, 3);
  EXPECT_EQ(totals.hits("forward"), 3);
  EXPECT_EQ(totals.hits("backward"), 1);
  EXPECT_FALSE(totals.zero_mean());
}

TEST(InjectionTotalsTest, MicroBatchesOfOneStepAreOneHit) {
  InjectionTotals totals({rule("a", "gaussian", 0, 4)}, 8);
  totals.add(step({injection("a", "x", "forward", 3), injection("a", "x", "forward", 4)}));
  EXPECT_EQ(totals.hits("forward"), 1);
  EXPECT_DOUBLE_EQ(totals.sizes().delta_rms, std::sqrt(25.0 / 8));
  EXPECT_TRUE(totals.zero_mean());
}

TEST(InjectionTotalsTest, AnUnlabelledRuleGoesByItsPosition) {
  InjectionTotals totals({rule("", "gaussian", 0, 4), rule("", "constant", 0, 1)}, 1);
  totals.add(step({injection("1", "x", "forward", 3)}));
  EXPECT_DOUBLE_EQ(totals.sizes().delta_mean, 3);
}

TEST(InjectionTotalsTest, ANonFiniteNormIsLeftOut) {
  InjectionTotals totals({rule("a", "gaussian", 0, 4)}, 1);
  totals.add(step({injection("a", "x", "forward", INFINITY)}));
  totals.add(step({injection("a", "x", "forward", 2)}));
  EXPECT_EQ(totals.hits("forward"), 1);
  EXPECT_DOUBLE_EQ(totals.sizes().delta_rms, 2);
}

TEST(InjectionTotalsTest, ARestoredStateGoesOnBitForBit) {
  const std::vector<Rule> rules{rule("a", "gaussian", 0.1, 0.7)};
  InjectionTotals whole(rules, 3), first(rules, 3), second(rules, 3);
  const StepRecord odd = step({injection("a", "x", "forward", 0.1), injection("a", "y", "backward", 1.0 / 3)});
  for (int i = 0; i < 5; ++i) whole.add(odd);
  for (int i = 0; i < 2; ++i) first.add(odd);
  second.restore(nlohmann::json::parse(first.save().dump()));
  for (int i = 0; i < 3; ++i) second.add(odd);
  EXPECT_EQ(second.save(), whole.save());
  EXPECT_EQ(second.sizes().eps_mean, whole.sizes().eps_mean);
}

}  // namespace
}  // namespace gradquake::measure
