#include "gradquake/run/assembly.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "gradquake/core/error.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"
#include "gradquake/model/registry.h"
#include "gradquake/run/plan_report.h"
#include "gradquake/train/evaluate.h"
#include "tiny_images.h"

namespace gradquake::run {
namespace {

const std::string kMlp =
    "run: {name: small, threads: 1, steps: 300}\nmodel: {kind: mlp, widths: [64, 16, 10]}\n"
    "perturbations:\n";

RunConfig read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return read_run_config(config::Document::parse(text, "t.yaml", overrides));
}

struct Beyond : Perturbation {
  Perturbed apply(const at::Tensor& tensor, const PerturbationContext&) const override {
    return {tensor.narrow(0, 0, 100000), {}};
  }
};

std::string error_of(const RunConfig& config) {
  try {
    assemble(config);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

train::Task with_rules(const std::string& rules, RunConfig* config) {
  *config = read(kMlp + rules);
  return assemble(*config);
}

TEST(AssemblyTest, SitesAreThoseOfADryRunOfOneBatch) {
  const train::Task parts = assemble(read(kMlp + "  []"));
  ASSERT_EQ(parts.sites.size(), 2);
  EXPECT_EQ(parts.sites[0].name, "layers.0");
  EXPECT_EQ(parts.sites[0].shape, (std::vector<std::int64_t>{64, 16}));
  EXPECT_EQ(parts.sites[1].shape, (std::vector<std::int64_t>{64, 10}));
  EXPECT_EQ(parts.steps, 300);
}

TEST(AssemblyTest, EpochsBecomeStepsOnceTheDataIsKnown) {
  const RunConfig config = read(kMlp + "  []", {"run.epochs=2", "data.batch_size=1000"});
  const train::Task parts = assemble(config);
  EXPECT_EQ(parts.steps, 2 * (parts.data.train->size() / 1000));
  EXPECT_EQ(parts.plan->options().run_steps, parts.steps);
}

TEST(AssemblyTest, TheSameConfigGivesTheSameWeightsAndGeneratorWhateverCameBefore) {
  const RunConfig config = read(kMlp + "  []");
  const train::Task first = assemble(config);
  const at::Tensor generator = at::detail::getDefaultCPUGenerator().get_state();
  at::manual_seed(999);
  const train::Task second = assemble(config);
  EXPECT_TRUE(at::equal(at::detail::getDefaultCPUGenerator().get_state(), generator));
  for (std::size_t i = 0; i < first.model->parameters().size(); ++i) {
    EXPECT_TRUE(at::equal(first.model->parameters()[i], second.model->parameters()[i]));
  }
  const train::Task other = assemble(read(kMlp + "  []", {"run.seed=2"}));
  EXPECT_FALSE(at::equal(first.model->parameters()[0], other.model->parameters()[0]));
}

TEST(AssemblyTest, TheDryRunLeavesBatchNormAsItWas) {
  register_tiny_images();
  const train::Task parts = assemble(read(kTinyCnn));
  EXPECT_EQ(parts.sites.size(), 3);
  const auto buffers = parts.model->named_buffers();
  EXPECT_EQ(buffers["blocks.0.norm.num_batches_tracked"].item<std::int64_t>(), 0);
  EXPECT_EQ(buffers["blocks.0.norm.running_mean"].abs().max().item<float>(), 0);
}

TEST(AssemblyTest, AModelIsMadeInTheRunsDtype) {
  EXPECT_EQ(assemble(read(kMlp + "  []", {"run.dtype=float64"})).model->parameters()[0].scalar_type(), at::kDouble);
}

TEST(AssemblyTest, AGlobThatMatchesNoSiteIsRefusedAtTheRulesPlace) {
  const std::string rules =
      "  - {sites: layers.0}\n"
      "  - label: late\n"
      "    sites: layer.1\n";
  const std::string error = error_of(read(kMlp + rules));
  EXPECT_EQ(error.rfind("[config] t.yaml:6: perturbations.1.sites: ", 0), 0) << error;
  EXPECT_NE(error.find("layers.1"), std::string::npos) << error;
  EXPECT_NE(error.find("got 'layer.1'"), std::string::npos) << error;
  EXPECT_EQ(error_of(read(kMlp + "  [{sites: 'layers.['}]")).rfind("[config] t.yaml:4: perturbations.0.sites: ", 0), 0);
  EXPECT_EQ(error_of(read(kMlp + "  [{sites: '*:saved.*', direction: both}]"))
                .rfind("[config] t.yaml:4: perturbations.0.direction: [hooks] expected direction forward", 0),
            0);
}

// Where the error of one rule in flow style stands.
std::string place_of(const std::string& rule, const std::vector<std::string>& overrides = {}) {
  const std::string error = error_of(read(kMlp + "  - {label: r, sites: layers.0, " + rule + "}", overrides));
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error.substr(0, error.find(": [hooks]"));
}

TEST(AssemblyTest, ARuleThatTheRunCannotCarryOutIsRefusedAtItsKey) {
  perturbations().add({"assembly-beyond", "throws"}, [](const KindSpec&) { return std::make_unique<Beyond>(); });
  const std::string rule = "[config] t.yaml:4: perturbations.0.";
  EXPECT_EQ(place_of("schedule: {kind: budget, count: 301}"), rule + "schedule");
  EXPECT_EQ(place_of("schedule: {kind: once, step: 300}"), rule + "schedule");
  EXPECT_EQ(place_of("schedule: {kind: once, step: 300}, may_be_idle: true"), "no error");
  EXPECT_EQ(place_of("scale: 0"), rule + "scale");
  EXPECT_EQ(place_of("scale: 1.0e+39"), rule + "scale");
  EXPECT_EQ(place_of("scale: 1.0e+39", {"run.dtype=float64"}), "no error");
  EXPECT_EQ(place_of("mean: 1.0e+39"), rule + "mean");
  EXPECT_EQ(place_of("scale: 1.0e+35, schedule: {interval: 7, amplitude: {kind: decay, power: -3}}"), rule + "scale");
  EXPECT_EQ(place_of("kind: assembly-beyond"), rule + "kind");
  EXPECT_EQ(place_of("kind: assembly-beyond, direction: backward, schedule: {kind: once, step: 299}"), rule + "kind");
}

TEST(AssemblyTest, ObjectivesAndWidthsThatDoNotFitTheDataAreRefused) {
  EXPECT_NE(error_of(read(kMlp + "  []", {"objective.kind=logistic"}))
                .find("expected objective.kind cross_entropy, mse, mae, huber, output for model.kind mlp"),
            std::string::npos);
  const std::string labels = "data: {kind: synthetic_logistic}\nmodel: {kind: logistic}\nrun: {threads: 1}\n";
  EXPECT_EQ(error_of(read(labels)), "no error");
  EXPECT_NE(error_of(read(labels, {"objective.kind=cross_entropy"})).find("expected objective.kind logistic"),
            std::string::npos);
  EXPECT_EQ(
      error_of(read(kMlp + "  []", {"model.widths=[63, 10]"})).rfind("[model] mlp: expected a first width of 64", 0),
      0);
}

TEST(AssemblyTest, RegressionIsAssembledFromAConfigWithEveryObjectiveForNumbers) {
  const std::string numbers =
      "run: {threads: 1}\ndata: {kind: synthetic_linear, samples: 50, features: 4, outputs: 2}\n"
      "model: {kind: mlp, widths: [4, 8, 2]}\n";
  for (const char* kind : {"mse", "mae", "huber"}) {
    EXPECT_EQ(error_of(read(numbers, {"objective.kind=" + std::string(kind)})), "no error") << kind;
  }
  const train::Task task = assemble(read(numbers, {"objective={kind: huber, delta: 0.5}"}));
  const EvaluationRecord record = train::evaluate(task, *task.data.test, 0);
  EXPECT_EQ(record.accuracy, std::nullopt);
  EXPECT_LT(record.metrics.at("r_squared"), 1);
  EXPECT_NE(error_of(read(numbers))
                .find("expected objective.kind mse, mae, huber, output for model.kind mlp on data.kind "
                      "synthetic_linear (targets of numbers), got cross_entropy"),
            std::string::npos)
      << error_of(read(numbers));
  EXPECT_NE(error_of(read(numbers, {"objective.kind=mse", "model.widths=[4, 8, 3]"})).find("the numbers of a target"),
            std::string::npos);
  EXPECT_NE(error_of(read(numbers, {"objective.kind=mse", "model={kind: logistic}"})).find("targets of 2 numbers"),
            std::string::npos);
}

// A score without the label inside would be pushed to minus infinity whatever the labels are.
TEST(AssemblyTest, TheLogisticObjectiveIsRefusedForAnOutputWithoutTheLabel) {
  const std::string labels =
      "data: {kind: synthetic_logistic}\nmodel: {kind: mlp, widths: [10, 1]}\nrun: {threads: 1}\n";
  EXPECT_NE(error_of(read(labels, {"objective.kind=logistic"})).find("expected objective.kind mse, mae, huber, output"),
            std::string::npos);
  EXPECT_EQ(error_of(read(labels, {"objective.kind=mse"})), "no error");
}

TEST(AssemblyTest, AnyTorchModuleIsAKindOfModel) {
  model::models().add({"bare_linear", "torch's own linear map"}, [](const KindSpec&, const model::ModelInput& input) {
    return std::make_shared<torch::nn::LinearImpl>(input.sample.at(0), input.classes);
  });
  const train::Task task = assemble(read("run: {threads: 1}\nmodel: {kind: bare_linear}\n"));
  EXPECT_TRUE(task.sites.empty());
  EXPECT_EQ(task.model->named_parameters().keys(), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_TRUE(train::evaluate(task, *task.data.test, 0).accuracy.has_value());
}

TEST(AssemblyTest, CudaWithoutCudaIsRefused) {
  if (at::hasCUDA()) GTEST_SKIP() << "this LibTorch has CUDA";
  EXPECT_EQ(error_of(read(kMlp + "  []", {"run.device=cuda"})).rfind("[run] expected run.device cpu, got cuda", 0), 0);
}

TEST(PlanReportTest, ThePlanIsPrintedSiteBySiteAndRuleByRule) {
  RunConfig config;
  const train::Task parts = with_rules(
      "  - {label: burst, sites: \"layers.*\", kind: uniform, scale: 0.5, mean: 1, relative_to: rms, draw: "
      "per_sample,\n"
      "     schedule: {kind: every, interval: 50, offset: 10, from: 20, until: 200}}\n"
      "  - {sites: layers.1, direction: both, schedule: {kind: at, steps: [5, 2]}}\n"
      "  - {label: late, sites: layers.0, direction: backward, may_be_idle: true, schedule: {kind: once, step: "
      "5000}}\n",
      &config);
  std::ostringstream text;
  print_plan(text, config, parts);
  EXPECT_EQ(text.str(),
            "small: mlp on digits, 300 steps, batch 64\n\n"
            "site                 shape                dtype      occurrences\n"
            "layers.0             [64, 16]             float32    1\n"
            "layers.1             [64, 10]             float32    1\n"
            "and 5 beneath them, such as layers.1:saved.0: a glob that names them so asks for them, --json lists them\n"
            "\nrule burst: forward, uniform scale 0.5 mean 1 x RMS, one draw per sample\n"
            "  sites     layers.* -> layers.0, layers.1\n"
            "  schedule  every 50 steps at offset 10 from step 20 until step 200\n"
            "  fires at  60, 110, 160\n"
            "\nrule 1: both, gaussian scale 0.1, one draw per element\n"
            "  sites     layers.1 -> layers.1\n"
            "  schedule  at 2 steps\n"
            "  fires at  2, 5\n"
            "\nrule late: backward, gaussian scale 0.1, one draw per element\n"
            "  sites     layers.0 -> layers.0\n"
            "  schedule  once at step 5000\n"
            "  fires at  no step of this run\n"
            "  idle      it changes nothing in this run\n");
}

TEST(PlanReportTest, ManyFiringsAreCutOffAndNoRulesAreSaid) {
  RunConfig config;
  std::ostringstream many, none;
  const train::Task all = with_rules("  [{sites: layers.0}]", &config);
  print_plan(many, config, all);
  EXPECT_NE(many.str().find("  schedule  every step\n  fires at  0, 1, 2, 3, 4, ...\n"), std::string::npos);
  const train::Task quiet = with_rules("  []", &config);
  print_plan(none, config, quiet);
  EXPECT_NE(none.str().find("no rules: nothing will be perturbed"), std::string::npos);
}

TEST(PlanReportTest, TheJsonSaysTheSame) {
  RunConfig config;
  const train::Task parts = with_rules("  [{label: a, sites: layers.1, direction: backward, scale: 2}]", &config);
  const auto json = nlohmann::json::parse(plan_json(config, parts));
  EXPECT_EQ(json["name"], "small");
  EXPECT_EQ(json["steps"], 300);
  EXPECT_EQ(json["sites"][1],
            (nlohmann::json{{"name", "layers.1"}, {"shape", {64, 10}}, {"dtype", "float32"}, {"occurrences", 1}}));
  EXPECT_EQ(json["sites"].size(), 2U);
  EXPECT_EQ(json["beneath"].size(), 5U);
  EXPECT_EQ(json["beneath"][3]["name"], "layers.1:input");
  const auto& rule = json["rules"][0];
  EXPECT_EQ(rule["label"], "a");
  EXPECT_EQ(rule["sites"], nlohmann::json({"layers.1"}));
  EXPECT_EQ(rule["direction"], "backward");
  EXPECT_EQ(rule["scale"], 2);
  EXPECT_EQ(rule["first_firings"], nlohmann::json({0, 1, 2, 3, 4}));
}

TEST(PlanReportTest, EveryScheduleAndAmplitudeHasItsWords) {
  const auto text = [](const std::string& schedule) {
    const KindSpec spec = read(kMlp + "  [{sites: a, schedule: " + schedule + "}]").rules[0].rule.schedule;
    return make_schedule(spec, {.run_steps = 1000})->describe();
  };
  EXPECT_EQ(text("{kind: every}"), "every step");
  EXPECT_EQ(text("{interval: 100, from: 50, amplitude: {kind: decay, power: 0.5}}"),
            "every 100 steps from step 50, amplitude (t+1)^-0.5");
  EXPECT_EQ(text("{kind: at, steps: [1, 2, 9]}"), "at 3 steps");
  EXPECT_EQ(text("{kind: probability, p: 0.25, until: 9}"), "with probability 0.25 until step 9");
  EXPECT_EQ(text("{kind: once, step: 7, amplitude: constant}"), "once at step 7");
  EXPECT_EQ(text("{kind: budget, count: 5}"), "5 times, evenly");
  EXPECT_EQ(text("{kind: budget, count: 5, spread: random, from: 2, amplitude: {kind: horizon, power: 0.25}}"),
            "5 times, at random from step 2, amplitude T^-0.25");
  EXPECT_EQ(text("{amplitude: {kind: linear, from: 1, to: 0.5, start: 10, end: 20}}"),
            "every step, amplitude 1 to 0.5 over steps 10 to 20");
}

}  // namespace
}  // namespace gradquake::run
