#include "gradquake/measure/kinks.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <iterator>

#include "gradquake/curvature/state_guard.h"
#include "gradquake/measure/macs.h"
#include "gradquake/measure/operator_calls.h"

namespace gradquake::measure {
namespace {

constexpr std::uint64_t kKinksDropoutSeed = 1;

// With the functions that only call others of the list: whichever is told first.
constexpr const char* kKinked[] = {"abs",
                                   "adaptive_max_pool1d",
                                   "adaptive_max_pool2d",
                                   "adaptive_max_pool3d",
                                   "amax",
                                   "amin",
                                   "ceil",
                                   "clamp",
                                   "clamp_max",
                                   "clamp_min",
                                   "clip",
                                   "elu",
                                   "floor",
                                   "fractional_max_pool2d",
                                   "hardshrink",
                                   "hardsigmoid",
                                   "hardswish",
                                   "hardtanh",
                                   "hinge_embedding_loss",
                                   "l1_loss",
                                   "leaky_relu",
                                   "margin_ranking_loss",
                                   "max",
                                   "max_pool1d",
                                   "max_pool2d",
                                   "max_pool3d",
                                   "maximum",
                                   "min",
                                   "minimum",
                                   "multi_margin_loss",
                                   "prelu",
                                   "relu",
                                   "relu6",
                                   "round",
                                   "rrelu",
                                   "selu",
                                   "sgn",
                                   "sign",
                                   "softshrink",
                                   "threshold",
                                   "topk",
                                   "trunc"};

// They take a maximum inside, and the absolute of it, and are smooth.
constexpr const char* kSmooth[] = {"logsumexp", "cross_entropy_loss", "binary_cross_entropy_with_logits", "dropout"};

bool is_one_of(const auto& names, const std::string& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

std::vector<std::string> kinked_operators(const train::Task& task, const data::Batch& batch) {
  std::vector<std::string> found;
  const curvature::StateGuard guard(*task.model, kKinksDropoutSeed);
  const at::AutoGradMode with_graph(true);
  const OperatorCalls calls([&found](const std::string& name, c10::ArrayRef<const c10::IValue> inputs) {
    if (is_one_of(kKinked, name)) {
      if (!is_one_of(found, name)) found.push_back(name);
      return true;
    }
    return is_one_of(kSmooth, name) || macs_of(name, inputs).has_value();
  });
  task.objective->loss(task.forward(batch), batch);
  return found;
}

}  // namespace gradquake::measure
