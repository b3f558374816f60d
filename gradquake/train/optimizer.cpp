#include "gradquake/train/optimizer.h"

#include <ATen/ATen.h>
#include <torch/optim/optimizer.h>

#include "gradquake/config/kind_reader.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/train/kinds/optimizers.h"

namespace gradquake::train {

Registry<OptimizerFactory>& optimizers() {
  static Registry<OptimizerFactory> registry(
      "optimizer", {kinds::sgd(), kinds::adam(), kinds::adamw()},
      {.before = {Parameter::number("learning_rate", "step size").in(Range::positive()).by_default(0.05)}});
  return registry;
}

OptimizerMethod optimizer_method(const OptimizerConfig& config) {
  return optimizers().factory(config.spec.kind)(optimizers().complete(config.spec));
}

double OptimizerConfig::learning_rate() const {
  return spec.has("learning_rate") ? spec.number("learning_rate") : optimizers().complete(spec).number("learning_rate");
}

OptimizerConfig read_optimizer(config::Reader reader) {
  OptimizerConfig config;
  config.spec = config::read_kind(reader, optimizers(), config.spec.kind);
  config.schedule =
      config::read_kind_section(reader, "schedule", learning_rate_schedules(), config.schedule.spec().kind);
  config.clip_norm = reader.number_or_null("clip_norm", config.clip_norm, Range::positive());
  config.gradient_noise = reader.number("gradient_noise", config.gradient_noise, Range::non_negative());
  reader.finish();
  return config;
}

Optimizer::Optimizer(const OptimizerConfig& config, std::vector<at::Tensor> parameters)
    : parameters_(std::move(parameters)), optimizer_(optimizer_method(config).make(parameters_)) {}

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
