// The fast loop against the general path: LibTorch, taps and autograd through the trainer, the same seed.
#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "gradquake/config/document.h"
#include "gradquake/paper/replica_batch.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_config.h"
#include "gradquake/train/trainer.h"

namespace gradquake::paper {

using namespace run;
namespace {

constexpr std::int64_t kSteps = 1000;

struct Case {
  const char* name;
  Direction direction;
  DrawMode draw;
  double half_width, mean;
  std::int64_t interval;
  Regularizer regularizer;
};

struct Trace : train::Callback {
  std::vector<double> norms;
  std::vector<std::vector<double>> weights;
  void before_update(const StepRecord& record, const train::StepView& view) override {
    norms.push_back(record.clean_grad_norm.value());
    const at::Tensor& w = view.parameters.front();
    weights.emplace_back(w.const_data_ptr<double>(), w.const_data_ptr<double>() + w.numel());
  }
};

Trace general_path(const Case& c) {
  const std::string yaml = fmt::format(
      "run: {{seed: 3, steps: {}, dtype: float64, threads: 1}}\n"
      "data: {{kind: synthetic_logistic, samples: 2000, features: 10, batch_size: 2000}}\n"
      "model: {{kind: logistic}}\n"
      "objective: {{kind: logistic, regularizer: {{kind: {}, weight: {}}}}}\n"
      "optimizer: {{learning_rate: 0.3, gradient_noise: 1.0e-3}}\n"
      "perturbations:\n"
      "  - {{label: {}, sites: f1, direction: {}, kind: uniform, scale: {}, mean: {}, draw: {},\n"
      "      schedule: {{kind: every, interval: {}}}, may_be_idle: true}}\n",
      kSteps, c.regularizer.name(), c.regularizer.weight, kRuleLabel,
      c.direction == Direction::kForward ? "forward" : "backward", c.half_width, c.mean,
      c.draw == DrawMode::kPerStep ? "per_step" : "per_sample", c.interval);
  const RunConfig config = read_run_config(config::Document::parse(yaml, "section7.yaml"));
  train::Task parts = assemble(config);
  Trace trace;
  train::Trainer({}, parts, {&trace}).run();
  return trace;
}

class TrajectoryTest : public testing::TestWithParam<Case> {};

TEST_P(TrajectoryTest, TheFastLoopFollowsTheGeneralPath) {
  const Case& c = GetParam();
  const Problem problem = make_problem(2000, 10, 3);
  Batch batch;
  batch.seed = 3;
  batch.steps = kSteps;
  batch.direction = c.direction;
  batch.draw = c.draw;
  batch.gradient_noise = 1e-3;
  // Neighbours with other settings, which must not matter.
  batch.lanes = {Lane{0.1, {}, 0.2, 0.1, 3}, Lane{0.3, c.regularizer, c.half_width, c.mean, c.interval}, Lane{}};
  for (std::int64_t step = 0; step < kSteps; ++step) batch.snapshots.push_back(step);
  const BatchResult fast = run_batch(problem, batch);
  const Trace general = general_path(c);

  ASSERT_EQ(general.norms.size(), static_cast<std::size_t>(kSteps));
  const std::vector<double> norms = fast.norms_of(1);
  double worst = 0;
  for (std::size_t t = 0; t < norms.size(); ++t) {
    worst = std::max(worst, std::fabs(norms[t] / general.norms[t] - 1));
    std::vector<double> difference = fast.snapshots[t][1];
    for (std::size_t j = 0; j < difference.size(); ++j) difference[j] -= general.weights[t][j];
    if (t > 0) worst = std::max(worst, norm(difference) / norm(general.weights[t]));
  }
  EXPECT_LT(worst, 1e-10);
  EXPECT_GT(norm(general.weights.back()), 0.1) << "nothing was trained";
}

const Regularizer kNonconvex{RegularizerKind::kNonconvex, 0.001};
const Regularizer kL2{RegularizerKind::kL2, 0.1};

INSTANTIATE_TEST_SUITE_P(
    Section7, TrajectoryTest,
    testing::Values(Case{"standard", Direction::kBackward, DrawMode::kPerStep, 0, 0, 1, kNonconvex},
                    Case{"forward_per_step", Direction::kForward, DrawMode::kPerStep, 0.6, 0, 1, kNonconvex},
                    Case{"forward_per_sample", Direction::kForward, DrawMode::kPerSample, 0.6, 0, 1, kL2},
                    Case{"backward_per_step", Direction::kBackward, DrawMode::kPerStep, 0.6, 0, 1, kL2},
                    Case{"backward_per_sample", Direction::kBackward, DrawMode::kPerSample, 0.6, 0, 1, kNonconvex},
                    Case{"biased_backward", Direction::kBackward, DrawMode::kPerSample, 0.3, 0.3, 1, kNonconvex},
                    Case{"biased_forward", Direction::kForward, DrawMode::kPerStep, 0.3, 0.3, 1, kNonconvex},
                    Case{"intermittent_forward", Direction::kForward, DrawMode::kPerSample, 0.6, 0, 7, kNonconvex}),
    [](const testing::TestParamInfo<Case>& which) { return std::string(which.param.name); });

}  // namespace
}  // namespace gradquake::paper
