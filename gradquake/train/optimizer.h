// Optimisers from a config: LibTorch's SGD (momentum, Nesterov), Adam and AdamW, fed with explicit gradients; one file
// each in kinds/.
//
// weight_decay adds weight_decay * w to the gradient of sgd and adam (so the loss seen by the Hessian gains
// weight_decay / 2 * ||w||^2) and decays the weights directly in adamw.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"
#include "gradquake/train/learning_rate.h"

namespace torch::optim {
class Optimizer;
}
namespace torch::serialize {
class InputArchive;
class OutputArchive;
}  // namespace torch::serialize

namespace gradquake::train {

struct OptimizerConfig {
  KindSpec spec = "sgd";
  LearningRate schedule;
  std::optional<double> clip_norm;  // > 0: gradients longer than this are scaled down to it
  double gradient_noise = 0.0;      // standard deviation of the paper's xi_t, drawn from its own stream

  double learning_rate() const;  // of the spec, or its default
};

GRADQUAKE_EXPORT OptimizerConfig read_optimizer(config::Reader reader);

// What a kind makes of its parameters.
struct OptimizerMethod {
  std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<at::Tensor> parameters)> make;
  double loss_decay = 0;       // d: its gradient gains d * w, as if the loss gained d / 2 * ||w||^2
  std::string not_stated_for;  // what the theorems do not speak of, "momentum"; "": plain SGD
};

using OptimizerFactory = std::function<OptimizerMethod(const KindSpec&)>;
// Every kind has the parameter `learning_rate` before its own.
GRADQUAKE_EXPORT Registry<OptimizerFactory>& optimizers();
// Throws std::invalid_argument as KindGroup::complete does.
GRADQUAKE_EXPORT OptimizerMethod optimizer_method(const OptimizerConfig& config);

class GRADQUAKE_EXPORT Optimizer {
 public:
  Optimizer(const OptimizerConfig& config, std::vector<at::Tensor> parameters);
  ~Optimizer();

  // One update with these gradients (already regularised, clipped and noised).
  void update(const std::vector<at::Tensor>& gradients, double learning_rate);

  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  std::vector<at::Tensor> parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

// Scales the gradients so that their norm, given as grad_norm, is at most clip_norm; out of place.
GRADQUAKE_EXPORT std::vector<at::Tensor> clip(std::vector<at::Tensor> gradients, double grad_norm, double clip_norm);

// Adds xi_t ~ N(0, deviation^2 I), addressed by seed, parameter index and step; out of place. Section 7 of the paper.
GRADQUAKE_EXPORT std::vector<at::Tensor> add_gradient_noise(std::vector<at::Tensor> gradients, double deviation,
                                                            std::uint64_t seed, std::int64_t step);

}  // namespace gradquake::train
