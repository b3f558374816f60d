#include "gradquake/train/evaluate.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"

namespace gradquake::train {
namespace {

// Evaluation mode while it lives; then every module is back in its own mode, for a part may be frozen in evaluation.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& model) : model_(model), mode_(model.is_training()) {
    for (const auto& part : model.modules(false)) part_modes_.emplace_back(part, part->is_training());
    model.eval();
  }
  ~EvaluationMode() {
    model_.train(mode_);
    for (const auto& [part, mode] : part_modes_) part->train(mode);  // owners come before what they own
  }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  torch::nn::Module& model_;
  bool mode_;
  std::vector<std::pair<std::shared_ptr<torch::nn::Module>, bool>> part_modes_;
};

}  // namespace

EvaluationRecord evaluate(const Task& task, const data::Dataset& dataset, std::int64_t step, Plan* served) {
  const curvature::StateGuard guard(*task.model, std::nullopt, curvature::Derivatives::kFirst);
  const at::NoGradGuard no_grad;
  const EvaluationMode mode(*task.model);
  std::optional<PlanScope> scope;
  if (served != nullptr) scope.emplace(*served, StepContext{.step = step, .remembers = false});
  const std::unique_ptr<Metric> metric = task.objective->metric(dataset.shape().targets());
  double loss = 0;
  for (std::int64_t first = 0; first < dataset.size(); first += kEvaluationRows) {
    const std::int64_t rows = std::min(kEvaluationRows, dataset.size() - first);
    const data::Batch batch = dataset.range(first, rows).to(task.device);
    const at::Tensor output = task.forward(batch);
    loss += task.objective->loss(output, batch).item<double>() * static_cast<double>(rows);
    if (metric) metric->add(output, batch);
  }
  EvaluationRecord record;
  record.step = step;
  record.loss = loss / static_cast<double>(dataset.size());
  const std::optional<double> value = metric ? metric->value() : std::nullopt;
  if (value && metric->name() == "accuracy")
    record.accuracy = value;
  else if (value)
    record.metrics[metric->name()] = *value;
  return record;
}

}  // namespace gradquake::train
