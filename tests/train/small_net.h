// A small network with everything a clean pass could disturb, and data for it.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gradquake/data/tensor_dataset.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/train/task.h"

namespace gradquake::train {

constexpr std::int64_t kFeatures = 6, kHidden = 8, kClasses = 3;

struct SmallNetOptions {
  at::ScalarType dtype = at::kDouble;
  double dropout = 0;  // LibTorch's, from its generator
  bool batch_norm = false;
  bool unused = false;           // a layer that the loss does not reach
  double addressed_dropout = 0;  // by address, behind fc2
};

// fc1 -> batch-norm -> tanh -> dropout -> fc2 -> tanh -> addressed dropout -> head; sites "fc1", "fc2", "head". Counts
// its forward passes.
class SmallNet : public torch::nn::Module {
 public:
  explicit SmallNet(SmallNetOptions options = {}) : options_(options) {
    at::set_num_threads(1);
    at::manual_seed(7);
    fc1_ = register_module("fc1", torch::nn::Linear(kFeatures, kHidden));
    if (options.batch_norm) norm_ = register_module("norm", torch::nn::BatchNorm1d(kHidden));
    fc2_ = register_module("fc2", torch::nn::Linear(kHidden, kHidden));
    head_ = register_module("head", torch::nn::Linear(kHidden, kClasses));
    if (options.unused) register_module("unused", torch::nn::Linear(2, 2));
    to(options.dtype);
  }

  at::Tensor forward(const at::Tensor& input) {
    ++forwards;
    at::Tensor y = tap("fc1", fc1_->forward(input));
    if (poison && is_training()) y = poison(y);
    if (norm_) y = norm_->forward(y);
    y = at::dropout(at::tanh(y), options_.dropout, is_training());
    y = tap("fc2", at::tanh(fc2_->forward(y)));
    if (options_.addressed_dropout > 0 && is_training()) y = gradquake::dropout("fc2", y, options_.addressed_dropout);
    return tap("head", head_->forward(y));
  }

  int forwards = 0;
  std::function<at::Tensor(const at::Tensor&)> poison;  // what befalls fc1's output in training

 private:
  SmallNetOptions options_;
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr}, head_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
};

inline std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& tensor : tensors) result.push_back(tensor.detach().clone());
  return result;
}

inline bool same_bits(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return true;
}

inline double largest_difference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, (a[i] - b[i]).abs().max().item<double>());
  return largest;
}

inline at::Tensor generator_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

inline data::Batch random_batch(std::int64_t rows, at::ScalarType dtype = at::kDouble) {
  at::manual_seed(3);
  const at::Tensor input = at::randn({rows, kFeatures}, dtype);
  data::Batch batch(input, at::randint(kClasses, {rows}, at::kLong));
  for (std::int64_t i = 0; i < rows; ++i) batch.sample_ids.push_back(100 + i);
  return batch;
}

inline data::DataSplits random_splits(std::int64_t rows, at::ScalarType dtype = at::kDouble) {
  const data::Batch batch = random_batch(rows, dtype);
  const auto set = std::make_shared<data::TensorDataset>(batch.input(), batch.target(), kClasses, dtype);
  return {set, set};
}

// A rule that fires every `interval` steps, and the plan of some.
inline Rule rule_at(const std::string& sites, Direction direction, double scale = 0.5, std::int64_t interval = 1) {
  Rule rule;
  rule.label = sites + (direction == Direction::kForward ? " forward" : " backward");
  rule.sites = sites;
  rule.direction = direction;
  rule.perturbation.set("scale", scale);
  rule.schedule.set("interval", interval);
  return rule;
}

inline std::unique_ptr<Plan> plan_of(std::vector<Rule> rules) {
  return std::make_unique<Plan>(std::move(rules), PlanOptions{5, 100}, std::vector<std::string>{"fc1", "fc2", "head"});
}

// What trains the net with cross-entropy; the net outlives the task.
inline Task task_of(SmallNet& net, std::vector<Rule> rules) {
  Task task;
  task.model = std::shared_ptr<torch::nn::Module>(std::shared_ptr<void>(), &net);
  task.forward = [&net](const data::Batch& batch) { return net.forward(batch.input()); };
  task.objective = make_objective("cross_entropy");
  task.plan = plan_of(std::move(rules));
  return task;
}

}  // namespace gradquake::train
