#include "gradquake/train/gradient_pass.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/weights.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::train {
namespace {

// Parameters that the loss does not reach get zeros, as an optimiser would leave them alone.
std::vector<at::Tensor> gradients_of(const at::Tensor& loss, const std::vector<at::Tensor>& parameters,
                                     bool keep_graph) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, parameters, {}, keep_graph, false, true);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (!gradients[i].defined()) gradients[i] = at::zeros_like(parameters[i]);
  return gradients;
}

void accumulate(std::vector<at::Tensor>& sum, std::vector<at::Tensor> part) {
  if (sum.empty()) {
    sum = std::move(part);
    return;
  }
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = sum[i] + part[i];
}

}  // namespace

// One micro-batch: its rows, where they start in the whole batch, and its share of the mean loss.
struct GradientPass::Part {
  data::Batch batch;
  std::int64_t first_row;
  std::int64_t rows;
  std::int64_t batch_rows;
};

GradientPass::GradientPass(const Task& task, std::vector<at::Tensor> parameters)
    : task_(task), parameters_(std::move(parameters)), dropout_seed_(named_seed(task.seed, "dropout")) {
  const auto of_weights = [](const Rule& rule) { return rule.target != Target::kActivation; };
  const std::vector<Rule>& rules = task.plan->rules();
  if (std::any_of(rules.begin(), rules.end(), of_weights)) names_ = model::trained_parameters(*task.model).names;
}

std::vector<GradientPass::Part> GradientPass::split(const data::Batch& batch) const {
  const std::int64_t rows = batch.rows();
  const std::int64_t size = std::min(rows, task_.micro_batch.value_or(rows));
  if (size == rows) return {Part{batch, 0, rows, rows}};
  std::vector<Part> parts;
  for (std::int64_t first = 0; first < rows; first += size) {
    const std::int64_t count = std::min(size, rows - first);
    parts.push_back({batch.narrow(first, count), first, count, rows});
  }
  return parts;
}

at::Tensor GradientPass::loss_of(const Part& part) const {
  const at::Tensor loss = task_.objective->loss(task_.forward(part.batch), part.batch);
  if (part.rows == part.batch_rows) return loss;
  return loss * (static_cast<double>(part.rows) / static_cast<double>(part.batch_rows));
}

void GradientPass::clean_pass(const std::vector<Part>& parts, std::int64_t step, StepGradients& result) {
  const curvature::StateGuard guard(*task_.model, std::nullopt, curvature::Derivatives::kFirst);
  double total = 0;
  for (const Part& part : parts) {
    const DropoutScope masks({dropout_seed_, step, part.first_row, part.rows});
    const at::Tensor loss = loss_of(part);
    total += loss.item<double>();
    accumulate(result.clean, gradients_of(loss, parameters_, false));
  }
  result.clean_loss = total;
}

void GradientPass::perturbed_pass(const std::vector<Part>& parts, std::int64_t step, bool share_forward,
                                  StepGradients& result) {
  std::optional<WeightScope> weights;
  if (!names_.empty()) weights.emplace(*task_.plan, step, names_, parameters_);
  for (const Part& part : parts) {
    StepContext context;
    context.step = step;
    context.first_row = part.first_row;
    context.rows = part.rows;
    context.loss_divisor = static_cast<double>(part.batch_rows);
    context.sample_ids = part.batch.sample_ids;
    const PlanScope scope(*task_.plan, std::move(context));
    const DropoutScope masks({dropout_seed_, step, part.first_row, part.rows});
    const at::Tensor loss = loss_of(part);
    if (share_forward) {
      const PlanPause pause;
      accumulate(result.clean, gradients_of(loss, parameters_, true));
    }
    accumulate(result.perturbed, gradients_of(loss, parameters_, false));
    result.loss += loss.item<double>();
  }
  if (weights) result.perturbed = weights->perturbed(std::move(result.perturbed));
}

StepGradients GradientPass::compute(const data::Batch& batch, std::int64_t step, bool shadow_due) {
  StepGradients result;
  result.shadow = shadow_due;
  result.forward_fired = task_.plan->fires(step, Direction::kForward);
  result.backward_fired = task_.plan->fires(step, Direction::kBackward);
  const std::vector<Part> parts = split(batch);
  const bool share_forward = shadow_due && result.backward_fired && !result.forward_fired;

  if (shadow_due && result.forward_fired) clean_pass(parts, step, result);
  perturbed_pass(parts, step, share_forward, result);

  if (!result.forward_fired) result.clean_loss = result.loss;
  if (shadow_due && result.clean.empty()) result.clean = result.perturbed;
  return result;
}

}  // namespace gradquake::train
