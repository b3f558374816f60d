#include "gradquake/train/evaluate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "gradquake/curvature/state_guard.h"
#include "gradquake/model/model.h"

namespace gradquake::train {
namespace {

constexpr std::int64_t kRows = 512;

// Evaluation mode while it lives; then every module is back in its own mode, for a part may be frozen in evaluation.
class EvaluationMode {
 public:
  explicit EvaluationMode(model::Model& model) : model_(model), mode_(model.is_training()) {
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
  model::Model& model_;
  bool mode_;
  std::vector<std::pair<std::shared_ptr<torch::nn::Module>, bool>> part_modes_;
};

}  // namespace

EvaluationRecord evaluate(model::Model& model, const data::Dataset& dataset, ObjectiveKind objective, std::int64_t step,
                          at::Device device) {
  const curvature::StateGuard guard(model, std::nullopt, curvature::Derivatives::kFirst);
  const at::NoGradGuard no_grad;
  const EvaluationMode mode(model);
  double loss = 0;
  std::int64_t correct = 0;
  for (std::int64_t first = 0; first < dataset.size(); first += kRows) {
    std::vector<std::int64_t> indices(static_cast<std::size_t>(std::min(kRows, dataset.size() - first)));
    std::iota(indices.begin(), indices.end(), first);
    const data::Batch batch = dataset.get(indices);
    const at::Tensor input = batch.input.to(device), target = batch.target.to(device);
    const at::Tensor output = model.forward_with_target(input, target);
    loss += objective_loss(objective, output, target).item<double>() * static_cast<double>(indices.size());
    correct += count_correct(objective, output, target);
  }
  const auto rows = static_cast<double>(dataset.size());
  return {step, loss / rows, static_cast<double>(correct) / rows};
}

}  // namespace gradquake::train
