#include "gradquake/train/optimizer.h"

#include <ATen/ATen.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"

namespace gradquake::train {
namespace {

using config::Range;

std::unique_ptr<torch::optim::Optimizer> make(const OptimizerConfig& config,
                                              const std::vector<at::Tensor>& parameters) {
  const double rate = config.learning_rate;
  if (config.kind == "sgd") {
    return std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(rate)
                                                               .momentum(config.momentum)
                                                               .nesterov(config.nesterov)
                                                               .weight_decay(config.weight_decay));
  }
  const std::tuple<double, double> betas{config.beta1, config.beta2};
  if (config.kind == "adam") {
    return std::make_unique<torch::optim::Adam>(
        parameters, torch::optim::AdamOptions(rate).betas(betas).eps(config.epsilon).weight_decay(config.weight_decay));
  }
  return std::make_unique<torch::optim::AdamW>(
      parameters, torch::optim::AdamWOptions(rate).betas(betas).eps(config.epsilon).weight_decay(config.weight_decay));
}

}  // namespace

OptimizerConfig read_optimizer(config::Reader reader) {
  OptimizerConfig config;
  config.kind = reader.choice("kind", config.kind, {"sgd", "adam", "adamw"});
  config.learning_rate = reader.number("learning_rate", config.learning_rate, Range::positive());
  if (config.kind == "sgd") {
    config.momentum = reader.number("momentum", config.momentum, Range{.min = 0, .max = 1, .max_open = true});
    config.nesterov = reader.boolean("nesterov", config.nesterov);
    if (config.nesterov && config.momentum == 0) reader.fail("nesterov", "expected momentum > 0 with nesterov, got 0");
  } else {
    config.beta1 = reader.number("beta1", config.beta1, Range{.min = 0, .max = 1, .max_open = true});
    config.beta2 = reader.number("beta2", config.beta2, Range{.min = 0, .max = 1, .max_open = true});
    config.epsilon = reader.number("epsilon", config.epsilon, Range::positive());
  }
  config.weight_decay = reader.number("weight_decay", config.weight_decay, Range::non_negative());
  config.schedule = read_learning_rate_schedule(reader.section("schedule"));
  config.clip_norm = reader.number_or_null("clip_norm", config.clip_norm, Range::positive());
  config.gradient_noise = reader.number("gradient_noise", config.gradient_noise, Range::non_negative());
  reader.finish();
  return config;
}

Optimizer::Optimizer(const OptimizerConfig& config, std::vector<at::Tensor> parameters)
    : parameters_(std::move(parameters)), optimizer_(make(config, parameters_)) {}

Optimizer::~Optimizer() = default;

void Optimizer::update(const std::vector<at::Tensor>& gradients, double learning_rate) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].mutable_grad() = gradients[i];
  optimizer_->param_groups().front().options().set_lr(learning_rate);
  optimizer_->step();
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

void Optimizer::save(torch::serialize::OutputArchive& archive) const { optimizer_->save(archive); }

void Optimizer::load(torch::serialize::InputArchive& archive) { optimizer_->load(archive); }

std::vector<at::Tensor> clip(std::vector<at::Tensor> gradients, double grad_norm, double clip_norm) {
  if (!(grad_norm > clip_norm)) return gradients;
  for (at::Tensor& gradient : gradients) gradient = gradient * (clip_norm / grad_norm);
  return gradients;
}

std::vector<at::Tensor> add_gradient_noise(std::vector<at::Tensor> gradients, double deviation, std::uint64_t seed,
                                           std::int64_t step) {
  if (deviation == 0) return gradients;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const std::string name = "parameter " + std::to_string(i);
    const Stream stream = make_stream(stream_key(seed, 0, name, Direction::kBackward, "gradient_noise"), step);
    const at::Tensor source = gradients[i].to(at::kCPU, at::kDouble).contiguous();
    at::Tensor noisy = at::empty_like(source);
    add_noise(Variate::kGaussian, source.const_data_ptr<double>(), noisy.mutable_data_ptr<double>(),
              static_cast<std::size_t>(source.numel()), 0.0, deviation, stream, 0);
    gradients[i] = noisy.to(gradients[i].device(), gradients[i].scalar_type());
  }
  return gradients;
}

}  // namespace gradquake::train
