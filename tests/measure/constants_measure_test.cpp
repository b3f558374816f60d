// Constants measured on networks whose constants are known.
#include "gradquake/measure/constants_measure.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_config.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "gradquake/cli/theory_report.h"
#include "gradquake/core/error.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/measure/constants_json.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/measure/derivative_bounds.h"
#include "gradquake/measure/perturbation_moments.h"
#include "gradquake/measure/stages.h"
#include "gradquake/model/model.h"
#include "gradquake/model/registry.h"

namespace gradquake::measure {

using namespace run;
using cli::bound_json;
namespace {

using Overrides = std::vector<std::string>;

constexpr char kChain[] = R"(
run: {dtype: float64, threads: 1, steps: 100}
data: {kind: digits, batch_size: 64}
model: {kind: linear_chain, widths: [64, 64, 64, 10], orthogonal: true, factor: 1.3}
objective: {kind: mse}
perturbations:
  - {label: f, sites: layers.0, scale: 0.5, schedule: {interval: 4}}
  - {label: b, sites: layers.2, direction: backward, kind: uniform, mean: 1, scale: 3, draw: per_sample}
monitor: {curvature: {probe: 96}}
)";

RunConfig read(const std::string& text, const Overrides& overrides = {}) {
  return read_run_config(config::Document::parse(text, "t.yaml", overrides));
}

ConstantsFile measured(const std::string& text, const Overrides& overrides = {}) {
  const RunConfig config = read(text, overrides);
  return measure_constants(run::assemble(config), config.curvature);
}

struct Cut {
  explicit Cut(const std::string& text, const Overrides& overrides = {})
      : config(read(text, overrides)),
        parts(assemble(config)),
        probe(parts, config.curvature),
        stages(parts, probe.batch()) {}
  RunConfig config;
  train::Task parts;
  CurvatureProbe probe;
  Stages stages;
};

// y = a(x), z = b(y), out = z + a's input: a path around both sites.
struct Around : model::Model {
  Around() : a(register_module("a", torch::nn::Linear(64, 64))), b(register_module("b", torch::nn::Linear(64, 10))) {}
  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor y = tap("a", a->forward(x));
    return tap("b", b->forward(y + x));
  }
  torch::nn::Linear a, b;
};

struct Twice : model::Model {
  Twice() : a(register_module("a", torch::nn::Linear(64, 64))), b(register_module("b", torch::nn::Linear(64, 10))) {}
  at::Tensor forward(const at::Tensor& x) override { return b->forward(tap("a", a->forward(tap("a", a->forward(x))))); }
  torch::nn::Linear a, b;
};

void register_models() {
  static std::once_flag once;
  std::call_once(once, [] {
    model::models().add({"around", "a tap around a layer"},
                        [](const auto&, const auto&) { return std::make_shared<Around>(); });
    model::models().add({"twice", "one layer twice"},
                        [](const auto&, const auto&) { return std::make_shared<Twice>(); });
  });
}

std::string refusal(const std::string& text) {
  try {
    const Cut cut(text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

double longest(const at::Tensor& rows) { return rows.flatten(1).norm(2, 1).max().item<double>(); }

TEST(ConstantsMeasureTest, AnOrthogonalChainHasItsFactorInEveryOperator) {
  const ConstantsFile file = measured(kChain);
  ASSERT_EQ(file.constants.operators, 4);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(file.constants.per_operator[i].c, 1.3, 1e-3);
    EXPECT_NEAR(file.constants.per_operator[i].ell, 1.3, 1e-3);
    EXPECT_NEAR(file.constants.per_operator[i].D, i == 0 ? 0 : 1, 1e-3);  // K is linear in y, J constant
    EXPECT_NEAR(file.constants.per_operator[i].E, 0, 1e-3);
  }
}

TEST(ConstantsMeasureTest, AnOrthogonalChainHasParameterNormsOfItsActivations) {
  const Cut cut(kChain);
  const ConstantsFile file = measured(kChain);
  const double x = longest(cut.probe.batch().input());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(file.constants.per_operator[i].k, x * std::pow(1.3, i), 1e-3 * x * std::pow(1.3, i));
  }
  EXPECT_EQ(file.constants.per_operator[3].k, 0);
}

TEST(ConstantsMeasureTest, AnOrthogonalChainCarriesItsGradientBackByTheFactor) {
  const Cut cut(kChain);
  const ConstantsFile file = measured(kChain);
  const at::Tensor error = cut.stages.input(3) - at::one_hot(cut.probe.batch().target(), 10);
  const double last = 0.2 * longest(error);  // v_3 = 2 (y_3 - t) / 10
  EXPECT_NEAR(file.constants.per_operator[3].c, last, 1e-3 * last);
  EXPECT_NEAR(file.constants.per_operator[2].nu, last, 1e-6);
  EXPECT_NEAR(file.constants.per_operator[1].nu, 1.3 * last, 1e-6);
  EXPECT_NEAR(file.constants.per_operator[0].nu, 1.69 * last, 1e-6);
  EXPECT_EQ(file.constants.per_operator[3].nu, 1);
  EXPECT_NEAR(file.constants.per_operator[3].D, 0.2, 1e-3);
  EXPECT_NEAR(file.constants.per_operator[3].E, 0, 1e-3);
}

TEST(ConstantsMeasureTest, LeastSquaresHasTheEigenvaluesOfItsData) {
  const std::string text = R"(
run: {dtype: float64, threads: 1}
data: {kind: digits, batch_size: 64}
model: {kind: linear_chain, widths: [64, 10]}
objective: {kind: mse}
monitor: {curvature: {probe: 100000}}
)";
  const Cut cut(text);
  const at::Tensor x = cut.probe.batch().input();
  const at::Tensor values = at::linalg_eigvalsh(x.t().mm(x)) * (0.2 / static_cast<double>(x.size(0)));
  const ConstantsFile file = measured(text, {"monitor.curvature.probe=200"});
  const double L = values[-1].item<double>();
  EXPECT_NEAR(*file.constants.smoothness, L, 1e-3 * L);
  const double mu = values.masked_select(values > 1e-10 * L).min().item<double>();
  EXPECT_NEAR(*file.constants.pl, mu, 1e-3 * mu);
  EXPECT_NEAR(cut.probe.measure(0, 0.1).smoothness, L, 1e-3 * L);
}

TEST(ConstantsMeasureTest, TheGradientsVarianceIsThatOfTheSamples) {
  const Cut cut(kChain, {"model={kind: linear_chain, widths: [64, 10]}", "perturbations=[]"});
  const data::Batch& batch = cut.probe.batch();
  const at::Tensor residual = (cut.stages.input(1) - at::one_hot(batch.target(), 10)) * 0.2;
  const at::Tensor gradients = at::einsum("ni,nj->nij", {residual, batch.input()}).flatten(1);
  const double variance = (gradients - gradients.mean(0)).square().sum().item<double>() / 95;
  const ConstantsFile file = measured(kChain, {"model={kind: linear_chain, widths: [64, 10]}", "perturbations=[]"});
  EXPECT_NEAR(*file.constants.gradient_variance, variance / 64, 1e-9);
}

TEST(ConstantsMeasureTest, LogisticRegressionTakesTheClosedForms) {
  const std::string text = R"(
run: {dtype: float64, threads: 1}
data: {kind: synthetic_logistic, samples: 300, features: 5, batch_size: 300}
model: {kind: logistic}
objective: {kind: logistic, regularizer: {kind: l2, weight: 0.1}}
monitor: {curvature: {probe: 300, limit: 40, tolerance: 1.0e-6}}
)";
  const ConstantsFile file = measured(text);
  const Cut cut(text);
  EXPECT_NEAR(*file.constants.smoothness, cut.probe.measure(0, 0.1).smoothness, 1e-3);  // at w = 0 it is attained
  EXPECT_DOUBLE_EQ(*file.constants.pl, 0.2);
  EXPECT_EQ(*file.constants.gradient_variance, 0);
  EXPECT_NEAR(file.constants.uniform->C_grad, std::max(1.0, longest(cut.probe.batch().input())), 1e-12);
  EXPECT_DOUBLE_EQ(file.constants.per_operator[1].D, 0.25);
  EXPECT_DOUBLE_EQ(file.constants.per_operator[1].E, 1 / (6 * std::sqrt(3.0)));
  // The differences that other networks get agree: sigma'(0) = 1/4 where f1 = 0.
  EXPECT_NEAR(derivative_bounds(cut.stages, 2, 1).D, 0.25, 1e-3);
}

TEST(ConstantsMeasureTest, SmoothLossesStayBelowTheirTrueConstants) {
  const Cut cut(kChain, {"objective.kind=cross_entropy"});
  const DerivativeBounds bounds = derivative_bounds(cut.stages, 4, 1);
  EXPECT_LE(bounds.D, 0.5 + 1e-3);  // of softmax: the largest eigenvalue of diag(p) - p p'
  EXPECT_GT(bounds.D, 0.02);
  EXPECT_GT(bounds.E, 0);
}

TEST(ConstantsMeasureTest, AdversarialDirectionsFindMoreThanRandomOnes) {
  const Cut cut(kChain, {"objective.kind=cross_entropy", "model.factor=3"});
  const DerivativeBounds bounds = derivative_bounds(cut.stages, 4, 1);
  const at::Tensor p = cut.stages.input(3).softmax(1);
  const double largest = at::linalg_eigvalsh(at::diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)).max().item<double>();
  EXPECT_NEAR(bounds.D, largest, 0.1 * largest);
}

TEST(ConstantsMeasureTest, EveryConstantCarriesItsMethod) {
  const ConstantsFile file = measured(kChain);
  for (const char* name : {"c", "k", "ell", "nu", "D", "E"}) {
    for (int i = 0; i < 4; ++i) {
      const std::string constant = "per_operator." + std::to_string(i) + "." + name;
      const auto found = std::find_if(file.estimates.begin(), file.estimates.end(),
                                      [&](const Estimate& one) { return one.constant == constant; });
      ASSERT_NE(found, file.estimates.end()) << constant;
      EXPECT_FALSE(found->method.empty());
    }
  }
  for (const Estimate& one : file.estimates) {
    if (one.constant == "gradient_variance") {
      EXPECT_GT(one.standard_error.value_or(0), 0);
    }
    if (one.constant == "per_operator.1.D") {
      EXPECT_EQ(one.method.rfind("estimate", 0), 0u);
    }
  }
}

TEST(ConstantsMeasureTest, TheFileAnswersEveryTheoryCommand) {
  const ConstantsFile file = measured(kChain);
  config::Document document = config::Document::parse(constants_yaml(file), "written.yaml");
  const ConstantsFile again = read_constants(document);
  EXPECT_EQ(constants_json(again), constants_json(file));
  const auto bounds = bound_json(again);
  EXPECT_TRUE(bounds["theorem1"]["sharp"]["value"].is_number());
  EXPECT_TRUE(bounds["theorem2"]["sharp"]["value"].is_number());
}

TEST(ConstantsMeasureTest, MomentsAreThoseOfTheDistributions) {
  const ConstantsFile file = measured(kChain);
  const double n = 64, s2 = 0.25;
  EXPECT_NEAR(file.constants.delta[0].second_moment, n * s2, 1e-12);
  EXPECT_NEAR(file.constants.delta[0].fourth_moment, n * (n + 2) * s2 * s2, 1e-9);
  EXPECT_EQ(file.constants.delta[0].mean_squared, 0);
  EXPECT_DOUBLE_EQ(file.constants.delta[0].frequency, 0.25);
  EXPECT_EQ(file.constants.delta[1].second_moment, 0);
  EXPECT_EQ(file.constants.eps[0].second_moment, 0);
  EXPECT_NEAR(file.constants.eps[2].second_moment, 10 * (1 + 3), 1e-12);  // mean 1, variance 9/3
  EXPECT_NEAR(file.constants.eps[2].mean_squared, 10, 1e-12);
  EXPECT_DOUBLE_EQ(file.constants.eps[2].frequency, 1);
}

TEST(ConstantsMeasureTest, OneDrawForASampleHasTheLargerFourthMoment) {
  const Overrides shared{"perturbations=[{sites: layers.0, scale: 0.5, draw: per_sample}]"};
  const Overrides relative{"perturbations=[{sites: layers.0, scale: 0.5, relative_to: rms}]"};
  EXPECT_NEAR(measured(kChain, shared).constants.delta[0].fourth_moment, 64 * 64 * 3 * 0.0625, 1e-9);
  const Cut cut(kChain);
  EXPECT_NEAR(measured(kChain, relative).constants.delta[0].second_moment,
              64 * 0.25 * cut.stages.input(1).square().mean().item<double>(), 1e-9);
}

TEST(StagesTest, PutTogetherTheyAreTheModel) {
  const Cut cut(kChain, {"model={kind: mlp, widths: [64, 20, 15, 10], activation: tanh, dropout: 0.3}"});
  at::Tensor y = cut.stages.input(0);
  for (std::size_t i = 0; i < cut.stages.operators(); ++i) {
    y = cut.stages.apply(i, i + 1, y);
    if (i + 1 < cut.stages.operators()) {
      EXPECT_TRUE(at::equal(y, cut.stages.input(i + 1)));
    }
  }
  EXPECT_TRUE(at::equal(y, cut.stages.apply(0, 4, cut.stages.input(0))));
  EXPECT_EQ(cut.stages.parameters(2).size(), 2u);
  EXPECT_TRUE(cut.stages.parameters(4).empty());
}

TEST(StagesTest, AModelThatIsNoChainIsRefused) {
  register_models();
  const std::string head = "run: {dtype: float64}\nmonitor: {curvature: {probe: 8}}\n";
  EXPECT_NE(refusal(head + "model: {kind: around}\n").find("also reached around it"), std::string::npos);
  EXPECT_NE(refusal(head + "model: {kind: twice}\n").find("more than once"), std::string::npos);
}

TEST(StagesTest, WithoutAChainTheOtherConstantsAreStillMeasured) {
  register_models();
  const ConstantsFile file =
      measured("run: {dtype: float64}\nmodel: {kind: around}\nmonitor: {curvature: {probe: 8}}\n");
  EXPECT_GT(*file.constants.smoothness, 0);
  EXPECT_TRUE(file.constants.per_operator.empty());
  EXPECT_GT(*file.constants.gradient_variance, 0);
  const auto absent = std::find_if(file.estimates.begin(), file.estimates.end(),
                                   [](const Estimate& one) { return one.constant == "per_operator"; });
  ASSERT_NE(absent, file.estimates.end());
  EXPECT_EQ(absent->method.rfind("absent: ", 0), 0u);
}

TEST(ConstantsMeasureTest, SinglePrecisionIsRefused) {
  EXPECT_THROW(measured(kChain, {"run.dtype=float32"}), UserError);
}

}  // namespace
}  // namespace gradquake::measure
