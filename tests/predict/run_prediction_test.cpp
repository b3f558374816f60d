// Predictions inside runs: what is written at a spike, what it leaves untouched, and how good it is on problems with
// closed forms.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "gradquake/curvature/lanczos.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/measure/known_constants.h"
#include "gradquake/predict/spike_predictor.h"
#include "gradquake/run/run.h"
#include "run_files.h"

namespace gradquake::predict {

using namespace measure;
using namespace run;
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Overrides = std::vector<std::string>;

// Full batch, strongly convex, every constant in closed form.
constexpr char kLogistic[] = R"(
run: {steps: 1200, threads: 1, dtype: float64}
data: {kind: synthetic_logistic, samples: 200, features: 6, batch_size: 200}
model: {kind: logistic}
objective: {kind: logistic, regularizer: {kind: l2, weight: 0.1}}
optimizer: {kind: sgd, learning_rate: 0.3}
perturbations:
  - {label: b, sites: f1, direction: backward, kind: constant, scale: 8, schedule: {interval: 300, offset: 20}}
monitor: {curvature: {at: [0], probe: 200}}
evaluate: {interval: 0}
checkpoint: {interval: 0}
)";

constexpr char kMlp[] = R"(
run: {steps: 120, threads: 1}
data: {kind: digits, batch_size: 32}
model: {kind: mlp, widths: [64, 24, 10]}
optimizer: {kind: sgd, learning_rate: 0.1}
perturbations:
  - {label: b, sites: layers.0, direction: backward, scale: 6, schedule: {interval: 50, offset: 30}}
monitor: {curvature: {at: [0], limit: 8, probe: 64}}
evaluate: {interval: 0}
checkpoint: {interval: 0}
)";

class RunPredictionTest : public testing::Test {
 protected:
  ~RunPredictionTest() override { fs::remove_all(out_); }

  RunConfig config(const std::string& text, Overrides overrides) const {
    overrides.push_back("run.out='" + out_.string() + "'");
    return read_run_config(config::Document::parse(text, "t.yaml", overrides));
  }

  RunFolder made(const std::string& text, Overrides overrides = {}, const Options& watch = {}) {
    const RunConfig read = config(text, std::move(overrides));
    train::Task parts = assemble(read);
    const RunFolder folder = create_run_folder(read, true);
    run::run(parts, watched(run_options(read), watch), folder);
    return folder;
  }

  static Json summary(const RunFolder& folder) { return Json::parse(text_of(folder.file("summary.json"))); }
  static Json condition(const RunFolder& folder, const std::string& name) {
    const Json document = summary(folder);
    for (const Json& row : document["conditions"]) {
      if (row["name"] == name) return row;
    }
    return nullptr;
  }
  // The reason why the first spike has no local prediction.
  static std::string reason(const RunFolder& folder) {
    const auto spikes = lines_of(folder.file("spikes.jsonl"));
    if (spikes.empty() || !spikes[0]["predicted"]["value"].is_null()) return "predicted, or no spike";
    return spikes[0]["predicted"]["reason"];
  }

  const fs::path out_ = fs::path(testing::TempDir()) / ("gradquake-predict-" + std::to_string(getpid()) + "-" +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(RunPredictionTest, TheWeightsComeBackBitForBit) {
  const RunConfig read = config(kMlp, {});
  const train::Task parts = assemble(read);
  const CurvatureProbe probe(parts, read.curvature);
  std::vector<at::Tensor> before, move;
  for (const at::Tensor& w : probe.parameters()) {
    before.push_back(w.detach().clone());
    move.push_back(at::full_like(w, 0.1).detach());
  }
  const auto version = probe.parameters()[0]._version();
  EXPECT_EQ(probe.from(move, move, 4).alpha.size(), 4u);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(before[i], probe.parameters()[i]));
  EXPECT_EQ(probe.parameters()[0]._version(), version);
}

TEST_F(RunPredictionTest, LanczosRunsAtTheMovedWeights) {
  const RunConfig read = config(kLogistic, {});
  const train::Task parts = assemble(read);
  const CurvatureProbe probe(parts, read.curvature);
  std::vector<std::int64_t> all(200);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  const data::Batch batch = parts.data.train->get(all);
  const at::Tensor H = batch.input(), d = at::arange(1, 7, at::kDouble), w = d * 0.3;
  const at::Tensor s = at::sigmoid(H.mv(w));
  const at::Tensor weights = s * (1 - s) / 200;
  const double expected =
      (at::dot(H.mv(d) * weights, H.mv(d)) / at::dot(d, d)).item<double>() + 0.2;  // d'Hd/d'd + 2 rho
  EXPECT_NEAR(probe.from({w}, {d}, 3).alpha[0], expected, 1e-10);                  // the model starts at w = 0
}

TEST_F(RunPredictionTest, TheProbesGradientAndVarianceAreThoseOfTheFormula) {
  const RunConfig read = config(kLogistic, {});
  const train::Task parts = assemble(read);
  const CurvatureProbe probe(parts, read.curvature);
  const data::Batch& batch = probe.batch();
  const at::Tensor rows = batch.input() * (-0.5 * batch.target()).unsqueeze(1);  // gradients at w = 0
  const double variance = (rows - rows.mean(0)).square().sum().item<double>() / 199;
  EXPECT_NEAR(probe.sample_variance().value, variance, 1e-10);
  EXPECT_NEAR(probe.gradient().variance, variance, 0.75 * variance);  // from 16 groups of 12
  EXPECT_NEAR(probe.gradient().loss, std::log(2.0), 1e-12);
  const at::Tensor first = rows.narrow(0, 0, 192).mean(0);
  EXPECT_NEAR(probe.gradient().norm, first.norm().item<double>(), 1e-12);
}

TEST_F(RunPredictionTest, ASpikeIsPredictedWhileItsRecoveryIsUnknown) {
  std::int64_t step = 0;
  Options hooks;
  hooks.progress = [&](const Progress& progress) { step = progress.step; };
  hooks.stop_requested = [&] { return step == 31; };
  const RunFolder folder = made(kMlp, {}, hooks);
  const auto predictions = lines_of(folder.file("predictions.jsonl"));
  ASSERT_EQ(predictions.size(), 1u);
  EXPECT_EQ(predictions[0]["step"], 30);
  EXPECT_TRUE(lines_of(folder.file("spikes.jsonl")).empty());
}

TEST_F(RunPredictionTest, PredictingChangesNoBitOfTheTraining) {
  const RunFolder with = made(kMlp, {"run.name=with"});
  const RunFolder without = made(kMlp, {"run.name=without", "monitor.curvature={at: [], on_spike: none}"});
  EXPECT_EQ(text_of(with.file("steps.jsonl")), text_of(without.file("steps.jsonl")));
  EXPECT_EQ(text_of(with.file("weights.safetensors")), text_of(without.file("weights.safetensors")));
  EXPECT_NE(lines_of(with.file("spikes.jsonl"))[0]["predicted"]["equation"], nullptr);
  EXPECT_EQ(reason(without), "monitor.curvature.on_spike is none");
}

TEST_F(RunPredictionTest, OnAQuadraticTheExcessIsTheGradientThatTheSpikeLeaves) {
  // Least squares: grad(displaced) - grad(twin) = H Delta whatever the weights, with H = 2/(C M) X'X for each output.
  const RunConfig read = config(R"(
run: {threads: 1, dtype: float64}
data: {kind: digits, batch_size: 64}
model: {kind: linear_chain, widths: [64, 10]}
objective: {kind: mse}
monitor: {curvature: {probe: 300}}
)",
                                {});
  const train::Task parts = assemble(read);
  const CurvatureProbe probe(parts, read.curvature);
  const at::Tensor error = at::sin(at::arange(640, at::kDouble)).view({10, 64});
  const std::vector<at::Tensor> clean{at::ones({10, 64}, at::kDouble)}, perturbed{clean[0] + error};
  StepRecord record;
  record.learning_rate = 0.2;
  record.clean_loss = 1;
  record.grad_error = error.norm().item<double>();
  const RunConstants constants;
  const SpikePrediction prediction =
      SpikePredictor(parts, probe, read.monitor.recovery)
          .predict(
              {record, {probe.parameters(), perturbed, clean}, constants, {.level = 0.01, .loss_level = 1.0}, true});
  const at::Tensor x = probe.batch().input(), displacement = -0.2 * error;
  const double excess = displacement.mm(x.t().mm(x)).norm().item<double>() * 2 / (10 * 300);
  EXPECT_NEAR(*prediction.excess, excess, 1e-9 * excess);
  EXPECT_NEAR(*prediction.displacement, displacement.norm().item<double>(), 1e-12);
  EXPECT_GT(*prediction.local.value, 0);
  EXPECT_EQ(prediction.local.value, prediction.displaced.value);  // the curvature is the same at both ends
  EXPECT_EQ(prediction.bound.reason, "smoothness is absent");
}

TEST_F(RunPredictionTest, OnConvexFullBatchRunsLocalIsSharpAndTheBoundCovers) {
  const RunFolder folder = made(kLogistic);
  const Json score = summary(folder)["score"]["spikes"];
  EXPECT_EQ(score["local"]["compared"], 3);
  EXPECT_EQ(score["local"]["coverage"], 1.0);
  EXPECT_LE(score["local"]["sharpness"].get<double>(), 1.05);
  EXPECT_EQ(score["bound"]["compared"], 3);
  EXPECT_EQ(score["bound"]["coverage"], 1.0);
  EXPECT_GT(score["bound"]["sharpness"].get<double>(), score["local"]["sharpness"].get<double>());
}

TEST_F(RunPredictionTest, ClosedFormConstantsHoldAtEveryStep) {
  const RunFolder folder = made(kLogistic);
  EXPECT_EQ(condition(folder, "step_size")["note"], "L holds at every step");
  EXPECT_EQ(condition(folder, "step_size")["holds"], true);
  EXPECT_EQ(condition(folder, "Q_eps")["value"], 4);
  EXPECT_EQ(condition(folder, "rms(eps)")["value"], 8);
  EXPECT_TRUE(condition(folder, "energy_budget")["holds"].is_boolean());
  EXPECT_EQ(summary(folder)["findings"], Json::array());
}

TEST_F(RunPredictionTest, TheBoundsHoldOnAFullBatchConvexRun) {
  const Json document = summary(made(kLogistic));
  EXPECT_EQ(document["score"]["run"]["mean_squared_gradient"]["coverage"], 1.0);
  EXPECT_GE(document["predictions"]["mean_squared_gradient"]["value"].get<double>(),
            document["predictions"]["mean_squared_gradient_observed"]["value"].get<double>());
  EXPECT_TRUE(document["predictions"]["plateau_level"]["value"].is_number());
}

TEST_F(RunPredictionTest, TheMinimumIsBoundedFromBelowWhereMuIsExact) {
  const Json document = summary(made(kLogistic));
  const Json& observed = document["predictions"]["plateau_observed"];
  EXPECT_EQ(observed["reason"], "l* from below, l - ||grad l||^2/(2 mu)");
  EXPECT_GE(observed["value"].get<double>(), 0);
  EXPECT_LT(observed["value"].get<double>(), 0.1);  // the loss itself stays above 0.3
  EXPECT_EQ(document["score"]["run"]["plateau"]["coverage"], 1.0);
}

TEST_F(RunPredictionTest, ADivergedRunWhoseConditionsHeldIsReportedLoudly) {
  std::string log;
  Options hooks;
  hooks.log = [&](const std::string& line) { log += line + "\n"; };
  const RunFolder folder =
      made(kLogistic, {"perturbations.0.scale=1e200", "perturbations.0.schedule={kind: once, step: 130}"}, hooks);
  EXPECT_EQ(summary(folder)["verdict"], "diverged");
  EXPECT_EQ(summary(folder)["findings"][0]["kind"], "misprediction");  // no theorem allows such a perturbation
  EXPECT_EQ(summary(folder)["findings"][0]["condition"], "step_size");
  EXPECT_NE(log.find("misprediction: step_size holds"), std::string::npos) << log;
}

TEST_F(RunPredictionTest, MomentumAdamAndClippingHaveNoPredictionAndNoVerdict) {
  const std::map<std::string, std::string> optimizers = {{"momentum", "{learning_rate: 0.02, momentum: 0.9}"},
                                                         {"adam", "{kind: adam, learning_rate: 0.002}"},
                                                         {"clipping", "{learning_rate: 0.1, clip_norm: 1}"}};
  for (const auto& [name, optimizer] : optimizers) {
    const RunFolder folder = made(kMlp, {"run.name=" + name, "optimizer=" + optimizer});
    EXPECT_EQ(reason(folder), "not stated for " + name);
    EXPECT_TRUE(condition(folder, "step_size")["holds"].is_null());
    EXPECT_NE(condition(folder, "step_size")["note"].get<std::string>().find("not stated for " + name),
              std::string::npos);
  }
}

TEST_F(RunPredictionTest, WithoutAShadowTheSpikeSaysSo) {
  const RunFolder folder = made(kMlp, {"monitor.shadow.interval=0", "perturbations.0.scale=60"});
  EXPECT_EQ(reason(folder), "no clean gradient at this step (monitor.shadow)");
  EXPECT_EQ(condition(folder, "energy_budget")["value"], nullptr);
}

TEST_F(RunPredictionTest, ALaterSpikeOfAnEpisodeSaysSo) {
  const RunFolder folder = made(kMlp, {"perturbations.0.schedule={kind: at, steps: [30, 31]}"});
  const auto spikes = lines_of(folder.file("spikes.jsonl"));
  ASSERT_GE(spikes.size(), 2u);
  EXPECT_EQ(spikes[1]["episode"], 0);
  EXPECT_EQ(spikes[1]["predicted"]["reason"], "a later spike of an open episode");
  EXPECT_EQ(lines_of(folder.file("predictions.jsonl")).size(), 1u);
}

TEST_F(RunPredictionTest, LeastSquaresHasItsClosedForm) {
  const RunConfig read = config(R"(
run: {dtype: float64, threads: 1}
data: {kind: digits, batch_size: 64}
model: {kind: linear_chain, widths: [64, 10]}
objective: {kind: mse, regularizer: {kind: l2, weight: 0.05}}
monitor: {curvature: {probe: 100000, limit: 60, tolerance: 1.0e-5}}
)",
                                {});
  const train::Task parts = assemble(read);
  const ClosedForm form = closed_form(parts).value();
  EXPECT_NEAR(CurvatureProbe(parts, read.curvature).measure(0, 0.1).smoothness, form.smoothness,
              1e-3 * form.smoothness);
  EXPECT_NEAR(*form.pl, 0.1, 1e-9);  // pixels that are always 0 leave the ridge alone
  const RunConfig plain = config("model: {kind: mlp, widths: [64, 8, 10]}\n", {});
  EXPECT_FALSE(closed_form(run::assemble(plain)));
}

}  // namespace
}  // namespace gradquake::predict
