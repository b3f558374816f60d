#include <gtest/gtest.h>

#include "gradquake/core/error.h"
#include "gradquake/run/run_config.h"

namespace gradquake::run {
namespace {

const std::string kModel = "model: {kind: mlp, widths: [64, 10]}\n";

std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    read_run_config(config::Document::parse(text, "t.yaml", overrides));
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

// The error of one bad line after the model, without its place, which is line 2 of the file.
std::string mistake(const std::string& line) {
  const std::string error = error_of(kModel + line), place = "[config] t.yaml:2: ";
  return error.rfind(place, 0) == 0 ? error.substr(place.size()) : error;
}

std::string rule_mistake(const std::string& keys) { return mistake("perturbations: [{sites: a, " + keys + "}]"); }

TEST(RunConfigErrorsTest, UnknownKeysAreNamedWithTheNearest) {
  EXPECT_EQ(mistake("optimiser: {}"), "optimiser: expected a known key, got 'optimiser' (nearest: optimizer)");
  EXPECT_EQ(mistake("run: {sed: 3}"), "run.sed: expected a known key, got 'sed' (nearest: seed)");
  EXPECT_EQ(mistake("data: {batchsize: 3}"),
            "data.batchsize: expected a known key, got 'batchsize' (nearest: batch_size)");
  EXPECT_EQ(mistake("optimizer: {schedule: {warm_up: 3}}"),
            "optimizer.schedule.warm_up: expected a known key, got 'warm_up' (nearest: warmup)");
  EXPECT_EQ(mistake("optimizer: {kind: adam, momentum: 0.9}").rfind("optimizer.momentum: expected a known key", 0), 0);
  EXPECT_EQ(mistake("monitor: {recovery: {holds: 3}}"),
            "monitor.recovery.holds: expected a known key, got 'holds' (nearest: hold)");
  EXPECT_EQ(rule_mistake("scales: 3"), "perturbations.0.scales: expected a known key, got 'scales' (nearest: scale)");
  EXPECT_EQ(
      rule_mistake("schedule: {kind: once, step: 1, interval: 3}").rfind("perturbations.0.schedule.interval: ", 0), 0);
}

TEST(RunConfigErrorsTest, NumbersBeyondTheDtypeAreRefusedWithTheirPlace) {
  const std::string limit = "expected a number of at most 3.40282e+38, the largest float32 (run.dtype), got 1e+300";
  EXPECT_EQ(mistake("optimizer: {learning_rate: 1e300}"), "optimizer.learning_rate: " + limit);
  EXPECT_EQ(mistake("optimizer: {weight_decay: 1e300}"), "optimizer.weight_decay: " + limit);
  EXPECT_EQ(mistake("optimizer: {gradient_noise: 1e300}"), "optimizer.gradient_noise: " + limit);
  EXPECT_EQ(mistake("objective: {kind: huber, delta: 1e300}"), "objective.delta: " + limit);
  EXPECT_NE(mistake("objective: {regularizer: {kind: l2, weight: 1e300}}").find("weight: " + limit), std::string::npos);
  EXPECT_EQ(error_of(kModel + "run: {dtype: float64}\noptimizer: {learning_rate: 1e300}"), "no error");
}

TEST(RunConfigErrorsTest, UnknownKindsAreNamedWithTheNearest) {
  EXPECT_EQ(mistake("optimizer: {kind: sdg}"),
            "optimizer.kind: expected one of sgd, adam, adamw, got 'sdg' (nearest: sgd)");
  EXPECT_NE(mistake("data: {kind: digit}").find("(nearest: digits)"), std::string::npos);
  EXPECT_NE(mistake("objective: {kind: crossentropy}").find("(nearest: cross_entropy)"), std::string::npos);
  EXPECT_NE(mistake("objective: {regularizer: {kind: l1}}").find("(nearest: l2)"), std::string::npos);
  EXPECT_NE(mistake("optimizer: {schedule: {kind: cosin}}").find("(nearest: cosine)"), std::string::npos);
  EXPECT_NE(rule_mistake("kind: gausian").find("perturbations.0.kind: expected one of"), std::string::npos);
  EXPECT_NE(rule_mistake("kind: gausian").find("(nearest: gaussian)"), std::string::npos);
  EXPECT_NE(rule_mistake("schedule: {kind: evry}").find("(nearest: every)"), std::string::npos);
  EXPECT_NE(rule_mistake("schedule: {amplitude: {kind: horizn, power: 1}}").find("(nearest: horizon)"),
            std::string::npos);
  EXPECT_NE(rule_mistake("direction: forwards").find("(nearest: forward)"), std::string::npos);
  EXPECT_NE(rule_mistake("relative_to: rmse").find("(nearest: rms)"), std::string::npos);
  EXPECT_NE(rule_mistake("draw: per_sampel").find("(nearest: per_sample)"), std::string::npos);
  EXPECT_NE(error_of("model: {kind: mpl, widths: [2, 2]}").find("t.yaml:1: model.kind: "), std::string::npos);
}

TEST(RunConfigErrorsTest, ValuesOutOfRangeAreNamedWithTheRange) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"run: {steps: 0}", "run.steps: "},
      {"run: {epochs: 0}", "run.epochs: "},
      {"run: {seed: -1}", "run.seed: "},
      {"run: {threads: 0}", "run.threads: "},
      {"run: {name: a/b}", "run.name: expected a folder name without '/'"},
      {"run: {name: .hidden}", "run.name: expected a folder name without '/'"},
      {"run: {name: ''}", "run.name: expected a folder name without '/'"},
      {"run: {dtype: float16}", "run.dtype: "},
      {"data: {batch_size: 0}", "data.batch_size: "},
      {"data: {batch_size: 8, micro_batch: 9}", "data.micro_batch: "},
      {"objective: {regularizer: {kind: l2, weight: -1}}", "objective.regularizer.weight: "},
      {"optimizer: {learning_rate: 0}", "optimizer.learning_rate: expected a number > 0, got 0"},
      {"optimizer: {momentum: 1}", "optimizer.momentum: "},
      {"optimizer: {nesterov: true}", "optimizer.nesterov: expected momentum > 0 with nesterov"},
      {"optimizer: {kind: adam, beta2: 1}", "optimizer.beta2: "},
      {"optimizer: {clip_norm: 0}", "optimizer.clip_norm: "},
      {"optimizer: {gradient_noise: -1}", "optimizer.gradient_noise: "},
      {"optimizer: {schedule: {warmup: -1}}", "optimizer.schedule.warmup: "},
      {"optimizer: {schedule: {kind: step, factor: 0}}", "optimizer.schedule.factor: "},
      {"monitor: {shadow: {interval: -1}}", "monitor.shadow.interval: "},
      {"monitor: {spikes: {window: 10, warmup: 11}}", "monitor.spikes.warmup: "},
      {"monitor: {recovery: {ewma: 0}}", "monitor.recovery.ewma: "},
      {"monitor: {curvature: {tolerance: 0}}", "monitor.curvature.tolerance: "},
      {"monitor: {curvature: {probe: 0}}", "monitor.curvature.probe: "},
      {"monitor: {curvature: {at: [-1]}}", "monitor.curvature.at: "},
      {"evaluate: {interval: -1}", "evaluate.interval: "},
      {"checkpoint: {keep: 0}", "checkpoint.keep: "}};
  for (const auto& [line, expected] : cases) EXPECT_EQ(mistake(line).rfind(expected, 0), 0) << mistake(line);
}

TEST(RunConfigErrorsTest, RulesOutOfRangeAreNamedWithTheirPosition) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"scale: -1", "scale: expected a number >= 0, got -1"},
      {"kind: uniform, scale: -1", "scale: "},
      {"label: ''", "label: "},
      {"schedule: {interval: 0}", "schedule.interval: "},
      {"schedule: {offset: -1}", "schedule.offset: "},
      {"schedule: {from: 5, until: 4}", "schedule.until: "},
      {"schedule: {kind: at}", "schedule.steps: expected a value, got nothing (the key is required)"},
      {"schedule: {kind: at, steps: [-1]}", "schedule.steps: "},
      {"schedule: {kind: probability}", "schedule.p: "},
      {"schedule: {kind: probability, p: 1.5}", "schedule.p: "},
      {"schedule: {kind: once}", "schedule.step: "},
      {"schedule: {kind: budget}", "schedule.count: "},
      {"schedule: {kind: budget, count: -1}", "schedule.count: "},
      {"schedule: {kind: budget, count: 2, spread: odd}", "schedule.spread: "},
      {"schedule: {amplitude: {kind: decay}}", "schedule.amplitude.power: "},
      {"schedule: {amplitude: {kind: linear, start: 5, end: 5}}", "schedule.amplitude.end: "},
      {"schedule: {amplitude: linear}", "schedule.amplitude: "}};
  for (const auto& [keys, expected] : cases) {
    EXPECT_EQ(rule_mistake(keys).rfind("perturbations.0." + expected, 0), 0) << rule_mistake(keys);
  }
  EXPECT_EQ(mistake("perturbations: [{kind: gaussian}]").rfind("perturbations.0.sites: expected a value", 0), 0);
}

TEST(RunConfigErrorsTest, WrongTypesAreNamed) {
  EXPECT_EQ(mistake("run: {steps: many}").rfind("run.steps: ", 0), 0);
  EXPECT_EQ(mistake("run: {steps: 1.5}").rfind("run.steps: ", 0), 0);
  EXPECT_EQ(mistake("run: {threads: all}").rfind("run.threads: ", 0), 0);
  EXPECT_EQ(mistake("run: {epochs: null}").rfind("run.epochs: ", 0), 0);
  EXPECT_EQ(mistake("run: 5").rfind("run: expected a mapping", 0), 0);
  EXPECT_EQ(mistake("optimizer: {learning_rate: .nan}").rfind("optimizer.learning_rate: ", 0), 0);
  EXPECT_EQ(mistake("optimizer: {nesterov: 1}").rfind("optimizer.nesterov: expected true or false", 0), 0);
  EXPECT_EQ(mistake("perturbations: {sites: a}").rfind("perturbations: expected a list of mappings", 0), 0);
  EXPECT_EQ(mistake("perturbations: [3]").rfind("perturbations.0: expected a mapping", 0), 0);
  EXPECT_EQ(mistake("monitor: {curvature: {at: log10}}").rfind("monitor.curvature.at: ", 0), 0);
}

TEST(RunConfigErrorsTest, StepsAndEpochsTogetherAreRefused) {
  EXPECT_EQ(
      mistake("run: {steps: 5, epochs: 2}").rfind("run.epochs: expected at most one of run.steps and run.epochs", 0),
      0);
  EXPECT_EQ(error_of(kModel, {"run.steps=5", "run.epochs=2"}), "no error");
}

TEST(RunConfigErrorsTest, TwoRulesWithOneLabelAreNamedWithBothPlaces) {
  const std::string text = kModel + "perturbations:\n  - sites: a\n    label: x\n  - sites: b\n    label: x\n";
  EXPECT_EQ(error_of(text),
            "[config] t.yaml:6: perturbations.1.label: expected a label of its own, got 'x', which the rule at "
            "t.yaml:3: perturbations.0.sites has (an unlabelled rule's label is its position)");
  EXPECT_NE(error_of(kModel + "perturbations: [{sites: a, label: '1'}, {sites: b}]").find("perturbations.1.label"),
            std::string::npos);
}

TEST(RunConfigErrorsTest, AMistakeInAnOverrideNamesTheOverride) {
  EXPECT_EQ(error_of(kModel, {"optimizer.learning_rate=-1"}),
            "[config] override 'optimizer.learning_rate=-1': optimizer.learning_rate: expected a number > 0, got -1");
  EXPECT_NE(error_of(kModel, {"perturbations=[{sites: a, kind: gausian}]"}).find("perturbations.0.kind: "),
            std::string::npos);
}

TEST(RunConfigErrorsTest, AModelWithoutItsShapeIsRefused) {
  EXPECT_NE(error_of("{}").find("model.widths: expected a value"), std::string::npos);
  EXPECT_NE(error_of("model: {kind: cnn}").find("model.blocks: expected a value"), std::string::npos);
  EXPECT_NE(error_of(kModel + "data: {kind: idx}").find("data.path: expected a value"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::run
