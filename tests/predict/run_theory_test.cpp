#include "gradquake/predict/run_theory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gradquake::predict {
namespace {

RunFacts plain_facts() {
  RunFacts facts;
  facts.steps = 100;
  facts.largest_step_size = 0.1;
  facts.verdict = "recovered";
  facts.constants.smoothness = 2;
  facts.constants.pl = 0.5;
  facts.constants.gradient_variance = 0.25;
  return facts;
}

RunHistory steady_history(double error) {
  RunHistory history;
  for (int t = 0; t < 100; ++t) {
    const double e2 = t % 10 == 9 ? error * error : 0;
    history.errors.push_back({.step_size = 0.1, .second_moment = e2, .bias_squared = e2});
  }
  history.firing_steps = 10;
  history.mean_squared_error = error * error;
  history.first_loss = 3;
  history.late_loss = 0.5;
  history.mean_squared_gradient = 1;
  return history;
}

const Condition& row(const RunTheory& theory, const std::string& name, const std::string& equation) {
  for (const Condition& one : theory.conditions) {
    if (one.name == name && one.equation == equation) return one;
  }
  throw std::out_of_range(name);
}

const Prediction& prediction(const RunTheory& theory, const std::string& name) {
  for (const auto& [key, one] : theory.predictions) {
    if (key == name) return one;
  }
  throw std::out_of_range(name);
}

SpikeRecord spike(std::int64_t step, std::int64_t episode, std::optional<std::int64_t> recovery) {
  SpikeRecord record;
  record.step = step;
  record.episode = episode;
  record.gradient_recovery_steps = recovery;
  return record;
}

SpikePrediction predicted(std::int64_t step, std::optional<double> local, const std::string& bound_reason) {
  SpikePrediction one;
  one.step = step;
  one.local.value = local;
  one.displaced.value = local;
  one.bound.reason = bound_reason;
  return one;
}

TEST(RunTheoryTest, TheEnergyBudgetIsTheFormulaOf34) {
  const RunTheory theory = run_theory(plain_facts(), steady_history(2));
  const Condition& energy = row(theory, "energy_budget", "(34)");
  // mean e2 = b2 = 0.4: 6 L gamma e2 + 3 b2 against 6 Delta_0/(gamma T) + 6 L gamma sigma^2
  EXPECT_NEAR(*energy.value, 6 * 2 * 0.1 * 0.4 + 3 * 0.4, 1e-12);
  EXPECT_NEAR(*energy.threshold, 6 * 3 / (0.1 * 100) + 6 * 2 * 0.1 * 0.25, 1e-12);
  EXPECT_TRUE(*energy.holds);
  EXPECT_NE(energy.note.find("L and sigma^2 on the probe set"), std::string::npos);
}

TEST(RunTheoryTest, ThePredictedPlateauIsTheGeometricSumOfTheJumps) {
  const RunTheory theory = run_theory(plain_facts(), steady_history(2));
  const double rho = 1 - 0.5 * 0.1 / 3, jump = 2 * 0.01 * 4 + 0.1 * 4 / 2;
  EXPECT_NEAR(*prediction(theory, "plateau_level").value, jump / (1 - std::pow(rho, 10)), 1e-12);
  EXPECT_NEAR(*prediction(theory, "noise_floor").value, 3 * 2 * 0.1 * 0.25 / 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(*prediction(theory, "plateau_observed").value, 0.5);
  EXPECT_NEAR(*prediction(theory, "spike_share").value, (6 * 2 * 0.1 * 4 + 3 * 4) / 100, 1e-12);
}

TEST(RunTheoryTest, TheBoundOnTheGradientIsItsFourTerms) {
  const RunTheory theory = run_theory(plain_facts(), steady_history(2));
  EXPECT_NEAR(*prediction(theory, "mean_squared_gradient").value,
              6 * 3 / (0.1 * 100) + 6 * 2 * 0.1 * 0.25 + 6 * 2 * 0.1 * 0.4 + 3 * 0.4, 1e-12);
}

TEST(RunTheoryTest, MomentumAdamAndClippingAreNotSpokenOf) {
  for (const char* what : {"momentum", "adam", "clipping"}) {
    RunFacts facts = plain_facts();
    facts.constants.not_stated_for = what;
    facts.verdict = "diverged";
    const RunTheory theory = run_theory(facts, steady_history(2));
    EXPECT_FALSE(theory.conditions.empty());
    for (const Condition& one : theory.conditions) {
      EXPECT_FALSE(one.holds) << one.name;
      EXPECT_NE(one.note.find(std::string("not stated for ") + what), std::string::npos) << one.note;
    }
    for (const char* name : {"plateau_level", "noise_floor", "mean_squared_gradient", "spike_share"}) {
      EXPECT_FALSE(prediction(theory, name).value) << name;
      EXPECT_EQ(prediction(theory, name).reason, std::string("not stated for ") + what);
    }
    EXPECT_TRUE(theory.findings.empty());
  }
}

TEST(RunTheoryTest, BeyondOneOver3LNothingLooksLikeAGuarantee) {
  RunFacts facts = plain_facts();
  facts.largest_step_size = 0.2;
  RunHistory history = steady_history(2);
  for (theory::StepError& one : history.errors) one.step_size = 0.2;
  const RunTheory theory = run_theory(facts, history);
  EXPECT_FALSE(*row(theory, "step_size", "Theorems 3-5: gamma <= 1/(3 L)").holds);
  for (const char* name : {"plateau_level", "noise_floor", "mean_squared_gradient", "spike_share"}) {
    EXPECT_FALSE(prediction(theory, name).value) << name;
    EXPECT_NE(prediction(theory, name).reason.find("condition does not hold"), std::string::npos);
  }
}

TEST(RunTheoryTest, WithoutShadowTheRowsSayThatNothingWasMeasured) {
  RunHistory history = steady_history(2);
  history.errors.clear();
  const RunTheory theory = run_theory(plain_facts(), history);
  EXPECT_FALSE(row(theory, "energy_budget", "(34)").value);
  EXPECT_NE(row(theory, "energy_budget", "(34)").note.find("no gradient error"), std::string::npos);
  EXPECT_FALSE(prediction(theory, "plateau_level").value);
}

TEST(RunTheoryTest, WithoutMuNothingIsSaidOf38) {
  RunFacts facts = plain_facts();
  facts.constants.pl.reset();
  const RunTheory theory = run_theory(facts, steady_history(2));
  EXPECT_THROW(row(theory, "energy_budget", "(38)"), std::out_of_range);
  EXPECT_EQ(prediction(theory, "plateau_level").reason, "pl (mu) is absent");
  EXPECT_TRUE(prediction(theory, "mean_squared_gradient").value);
}

TEST(RunTheoryTest, AConditionThatHeldWhileTheRunDivergedIsAFinding) {
  RunFacts facts = plain_facts();
  facts.verdict = "diverged";
  EXPECT_EQ(run_theory(facts, steady_history(0.1)).findings.at(0).kind, "misprediction");
  facts.constants.closed_form = true;
  const RunTheory theory = run_theory(facts, steady_history(0.1));
  EXPECT_EQ(theory.findings.at(0).kind, "contradiction");
  EXPECT_EQ(theory.findings.at(0).condition, "step_size");
}

TEST(RunTheoryTest, APerturbationBeyondItsBudgetContradictsNoTheorem) {
  RunFacts facts = plain_facts();
  facts.verdict = "diverged";
  facts.constants.closed_form = true;
  const RunTheory theory = run_theory(facts, steady_history(1e6));
  ASSERT_FALSE(theory.findings.empty());
  for (const theory::Finding& one : theory.findings) EXPECT_EQ(one.kind, "misprediction") << one.condition;
}

TEST(RunTheoryTest, AKnownMinimumNarrowsTheGaps) {
  RunFacts facts = plain_facts();
  facts.constants.minimum_loss = 0.4;
  const RunTheory theory = run_theory(facts, steady_history(2));
  EXPECT_NEAR(*prediction(theory, "plateau_observed").value, 0.1, 1e-12);
  EXPECT_NEAR(*row(theory, "energy_budget", "(34)").threshold, 6 * 2.6 / (0.1 * 100) + 6 * 2 * 0.1 * 0.25, 1e-12);
}

TEST(RunTheoryTest, OnlyEpisodesOfOneSpikeAreScored) {
  const std::vector<SpikeRecord> spikes{spike(10, 0, 4), spike(20, 1, 9), spike(21, 1, 9), spike(30, 2, 8),
                                        spike(40, 3, std::nullopt)};
  const std::vector<SpikePrediction> predictions{predicted(10, 5.0, "noise floor"), predicted(20, 1.0, "noise floor"),
                                                 predicted(30, 2.0, "pl (mu) is absent"),
                                                 predicted(40, 7.0, "noise floor")};
  const report::RunScore score = score_run(predictions, spikes, run_theory(plain_facts(), steady_history(2)));
  const auto& [name, local] = score.spikes.at(0);
  EXPECT_EQ(name, "local");
  EXPECT_EQ(local.compared, 2);
  EXPECT_EQ(local.covered, 1);
  EXPECT_EQ(local.unobserved, 1);
  EXPECT_DOUBLE_EQ(*local.sharpness, (6.0 / 5 + 3.0 / 9) / 2);
  EXPECT_EQ(score.spikes.at(2).second.noise_floor, 2);
  EXPECT_EQ(score.spikes.at(2).second.other_without, 1);
}

TEST(RunTheoryTest, TheRunIsScoredByItsPlateauAboveTheNoiseFloor) {
  const RunTheory theory = run_theory(plain_facts(), steady_history(2));
  const theory::Score plateau = score_run({}, {}, theory).run.at(0).second;
  EXPECT_EQ(plateau.covered, 1);
  EXPECT_NEAR(*plateau.sharpness,
              (*prediction(theory, "plateau_level").value + *prediction(theory, "noise_floor").value) / 0.5, 1e-12);
}

}  // namespace
}  // namespace gradquake::predict
