#include "gradquake/run/run_config.h"

#include <gtest/gtest.h>

#include <thread>

#include "gradquake/core/error.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"

namespace gradquake::run {
namespace {

const std::string kExample = R"(
run: {name: digits-mlp, seed: 1, steps: 2000, threads: auto, device: cpu, dtype: float32, out: runs, on_nonfinite: stop}
data: {kind: digits, batch_size: 64}
model: {kind: mlp, widths: [64, 128, 128, 128, 10], activation: relu}
objective: {kind: cross_entropy, regularizer: {kind: none, weight: 0.0}}
optimizer: {kind: sgd, learning_rate: 0.05, momentum: 0.0, weight_decay: 0.0, schedule: {kind: constant}, clip_norm: null, gradient_noise: 0.0}
perturbations:
  - label: late-forward
    sites: "layers.[12]"
    direction: forward
    kind: gaussian
    scale: 0.1
    mean: 0.0
    relative_to: none
    draw: per_element
    schedule: {kind: every, interval: 100, offset: 0, from: 0, until: null}
monitor:
  shadow: {interval: 1}
  spikes: {shadow_ratio: 1.0, robust_score: 5.0, window: 200, warmup: 20}
  recovery: {factor: 1.5, ewma: 0.3, level_window: 20, hold: 10, plateau_window: 200, diverged_loss_factor: 10}
  curvature: {at: log2, on_spike: first, limit: 20, probe: 512, tolerance: 1.0e-3}
evaluate: {interval: 200}
checkpoint: {interval: 500, keep: 2}
)";
const std::string kShortest = "model: {kind: mlp, widths: [64, 10]}\n";

RunConfig read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return read_run_config(config::Document::parse(text, "t.yaml", overrides));
}

// The example without the keys that have a default, and with its one rule in short.
const std::string kDefaults =
    "run: {name: digits-mlp}\nmodel: {kind: mlp, widths: [64, 128, 128, 128, 10]}\n"
    "perturbations: [{label: late-forward, sites: \"layers.[12]\", schedule: {kind: every, interval: 100}}]\n";

TEST(RunConfigTest, TheExampleOfTheDesignIsReadAsWritten) {
  const RunConfig c = read(kExample);
  EXPECT_EQ(c.run.name, "digits-mlp");
  EXPECT_EQ(c.run.seed, 1);
  EXPECT_EQ(c.run.steps, 2000);
  EXPECT_EQ(c.run.epochs, std::nullopt);
  EXPECT_EQ(c.run.threads, std::max(1U, std::thread::hardware_concurrency()));
  EXPECT_EQ(c.run.device, DeviceKind::kCpu);
  EXPECT_EQ(c.run.dtype, Dtype::kFloat32);
  EXPECT_EQ(c.run.out, "runs");
  EXPECT_EQ(c.run.on_nonfinite, train::OnNonfinite::kStop);
  EXPECT_EQ(c.data.spec.kind, "digits");
  EXPECT_EQ(c.data.batch_size, 64);
  EXPECT_EQ(c.data.micro_batch, std::nullopt);
  EXPECT_EQ(c.model.spec.integers("widths"), (std::vector<std::int64_t>{64, 128, 128, 128, 10}));
  EXPECT_EQ(c.objective.kind, "cross_entropy");
  EXPECT_FALSE(c.regularizer.active());
  EXPECT_EQ(c.optimizer.spec.kind, "sgd");
  EXPECT_EQ(c.optimizer.learning_rate(), 0.05);
  EXPECT_EQ(c.optimizer.clip_norm, std::nullopt);
  ASSERT_EQ(c.rules.size(), 1);
  const Rule& rule = c.rules[0].rule;
  EXPECT_EQ(rule.label, "late-forward");
  EXPECT_EQ(rule.sites, "layers.[12]");
  EXPECT_EQ(rule.direction, Direction::kForward);
  EXPECT_EQ(rule.perturbation.kind, "gaussian");
  EXPECT_EQ(rule.perturbation.number("scale"), 0.1);
  EXPECT_EQ(rule.perturbation.text("draw"), "per_element");
  EXPECT_EQ(rule.schedule.integer("interval"), 100);
  EXPECT_EQ(rule.schedule.optional_integer("until"), std::nullopt);
  EXPECT_EQ(c.shadow_interval, 1);
  EXPECT_EQ(c.monitor.spikes.robust_score, 5.0);
  EXPECT_EQ(c.monitor.recovery.hold, 10);
  EXPECT_EQ(c.monitor.recovery.diverged_loss_factor, 10);
  EXPECT_EQ(c.curvature.at, measure::CurvatureSteps::kLog2);
  EXPECT_EQ(c.curvature.tolerance, 1e-3);
  EXPECT_EQ(c.evaluate_interval, 200);
  EXPECT_EQ(c.checkpoint_interval, 500);
  EXPECT_EQ(c.checkpoint_keep, 2);
}

TEST(RunConfigTest, TheExamplesValuesAreTheDefaults) {
  const RunConfig written = read(kExample), defaults = read(kDefaults);
  EXPECT_EQ(defaults.resolved, written.resolved);
  EXPECT_EQ(defaults.digest, written.digest);
}

TEST(RunConfigTest, TheResolvedCopyIsAConfigOfTheSameRun) {
  for (const std::string& text :
       {kExample, kShortest,
        kShortest +
            "run: {epochs: 3, threads: 1}\noptimizer: {kind: adam, schedule: {kind: cosine, warmup: 3}, clip_norm: "
            "0.1}\n"
            "monitor: {curvature: {at: [1, 5]}}\nperturbations: [{sites: '*', schedule: {kind: budget, count: 3, "
            "amplitude: {kind: linear, to: 0.3, end: 5}}}, {sites: a, schedule: {kind: at, steps: [1, 2]}}]",
        std::string(
            "model: {kind: logistic}\ndata: {kind: synthetic_logistic}\nmonitor: {curvature: {at: {interval: 7}}}\n"
            "perturbations: [{sites: f1, direction: both, kind: constant, scale: -2, schedule: {kind: probability, "
            "p: 0.3, amplitude: {kind: decay, power: 0.5}}}, {label: x, sites: f1, schedule: {kind: once, step: "
            "3}}]")}) {
    const RunConfig first = read(text);
    const RunConfig second = read(first.resolved);
    EXPECT_EQ(second.resolved, first.resolved);
    EXPECT_EQ(second.digest, first.digest);
  }
}

TEST(RunConfigTest, AUsersRuleTakesATextAListAndAFlagAndReadsBackTheSame) {
  perturbations().add({"marked",
                       "adds marks",
                       {Parameter::text("mark", "what"), Parameter::numbers("sizes", "how large").in(Range::positive()),
                        Parameter::flag("twice", "again").by_default(false)}},
                      [](const KindSpec&) { return nullptr; });
  schedules().add({"listed",
                   "as listed",
                   {Parameter::texts("days", "when"), Parameter::flag("late", "later").by_default(true),
                    Parameter::text("zone", "where").by_default("here")}},
                  [](const KindSpec&, const ScheduleContext&) { return nullptr; });
  const std::string rule =
      "perturbations: [{sites: a, kind: marked, mark: x y, sizes: [1, 0.5], twice: true, schedule: "
      "{kind: listed, days: [mo, tu], amplitude: {kind: decay, power: 1}}, may_be_idle: true}]";
  const RunConfig config = read(kShortest + rule);
  const Rule& read_rule = config.rules.at(0).rule;
  EXPECT_EQ(read_rule.perturbation.text("mark"), "x y");
  EXPECT_EQ(read_rule.perturbation.numbers("sizes"), (std::vector<double>{1, 0.5}));
  EXPECT_TRUE(read_rule.perturbation.flag("twice"));
  EXPECT_EQ(read_rule.schedule.texts("days"), (std::vector<std::string>{"mo", "tu"}));
  EXPECT_TRUE(read_rule.schedule.flag("late"));
  EXPECT_TRUE(read_rule.may_be_idle);
  EXPECT_EQ(read(config.resolved).resolved, config.resolved);
  EXPECT_EQ(config.resolved.find("scale"), std::string::npos);
  for (const std::string key : {"scale: 0.1", "mean: 0", "draw: per_step", "relative_to: none"}) {
    const std::string with_key = "perturbations: [{sites: a, kind: marked, mark: x, sizes: [], " + key + "}]";
    EXPECT_THROW(read(kShortest + with_key), UserError) << key;
  }
}

TEST(RunConfigTest, ThreadsAutoIsResolvedToANumber) {
  EXPECT_EQ(read(kExample).resolved.find("threads: auto"), std::string::npos);
  EXPECT_EQ(read(kShortest, {"run.threads=3"}).run.threads, 3);
}

TEST(RunConfigTest, TheDigestSeesEverythingButTheLengthOfTheRun) {
  const std::string digest = read(kExample).digest;
  EXPECT_EQ(read(kExample, {"run.steps=7"}).digest, digest);
  EXPECT_EQ(read(kExample, {"run.epochs=7"}).digest, digest);
  for (const std::string change : {"run.seed=2", "run.dtype=float64", "data.batch_size=32", "data.micro_batch=16",
                                   "optimizer.learning_rate=0.1", "perturbations=[]", "perturbations.0.scale=0.2",
                                   "monitor.shadow.interval=2", "evaluate.interval=5", "checkpoint.keep=3"}) {
    EXPECT_NE(read(kExample, {change}).digest, digest) << change;
  }
}

TEST(RunConfigTest, EpochsReplaceStepsAndAnOverrideOfOneRemovesTheOther) {
  EXPECT_EQ(read(kShortest + "run: {epochs: 3}").run.epochs, 3);
  EXPECT_EQ(read(kExample, {"run.epochs=4"}).run.epochs, 4);
  EXPECT_EQ(read(kExample, {"run.epochs=4"}).resolved.find("steps: 2000"), std::string::npos);
  const RunConfig steps = read(kShortest + "run: {epochs: 3}", {"run.steps=9"});
  EXPECT_EQ(steps.run.epochs, std::nullopt);
  EXPECT_EQ(steps.run.steps, 9);
}

TEST(RunConfigTest, AnUnlabelledRulesLabelIsItsPosition) {
  const RunConfig c = read(kShortest + "perturbations: [{sites: a, label: first}, {sites: b}, {sites: c}]");
  EXPECT_EQ(c.rules[1].rule.label, "1");
  EXPECT_EQ(c.rules[2].rule.label, "2");
  EXPECT_EQ(c.rules[2].place("sites"), "t.yaml:2: perturbations.2.sites");
}

TEST(RunConfigTest, ALogisticModelHasTheLogisticObjectiveByDefault) {
  EXPECT_EQ(read("model: {kind: logistic}\ndata: {kind: synthetic_logistic}").objective.kind, "logistic");
}

TEST(RunConfigTest, SaysWhatOfARunDependsOnItsLength) {
  const auto with = [](const std::string& rest) { return read(kShortest + rest).length_dependence(); };
  EXPECT_EQ(with(""), std::nullopt);
  EXPECT_EQ(read(kExample).length_dependence(), std::nullopt);
  EXPECT_NE(with("optimizer: {schedule: {kind: cosine}}"), std::nullopt);
  const auto rule = [&](const std::string& schedule) {
    return with("perturbations: [{sites: a, label: x, schedule: " + schedule + "}]").value_or("nothing");
  };
  EXPECT_EQ(rule("{kind: every, amplitude: {kind: horizon, power: 0.5}}"), "rule x has a horizon amplitude");
  EXPECT_EQ(rule("{kind: budget, count: 5}"), "rule x spreads its budget over the whole run");
  EXPECT_EQ(rule("{kind: budget, count: 5, until: 90}"), "nothing");
  EXPECT_EQ(rule("{kind: probability, p: 0.5, amplitude: {kind: decay, power: 1}}"), "nothing");
}

TEST(RunConfigTest, CurvatureIsDueAsItsSectionSays) {
  const auto due_steps = [](const std::string& at) {
    const RunConfig c = read(kShortest + "monitor: {curvature: {at: " + at + "}}");
    std::vector<std::int64_t> steps;
    for (std::int64_t step = 0; step < 300; ++step) {
      if (c.curvature.due(step)) steps.push_back(step);
    }
    return steps;
  };
  using Steps = std::vector<std::int64_t>;
  EXPECT_EQ(due_steps("log2"), (Steps{0, 16, 32, 64, 128, 256}));
  EXPECT_EQ(due_steps("[7, 3]"), (Steps{3, 7}));
  EXPECT_EQ(due_steps("[]"), Steps());
  EXPECT_EQ(due_steps("{interval: 100}"), (Steps{0, 100, 200}));
  EXPECT_EQ(due_steps("{interval: 0}"), Steps());
}

}  // namespace
}  // namespace gradquake::run
