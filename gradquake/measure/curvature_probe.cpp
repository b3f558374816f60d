#include "gradquake/measure/curvature_probe.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>

#include "gradquake/core/seeds.h"
#include "gradquake/curvature/lanczos.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::measure {
namespace {

data::Batch draw_probe(const train::Task& task, std::int64_t samples, at::Device device) {
  const data::Dataset& dataset = *task.data.train;
  data::BatchSampler sampler(dataset.size(), std::min(samples, dataset.size()),
                             named_seed(task.seed, "curvature.probe"));
  return dataset.get(sampler.indices(0)).to(device);
}

at::Tensor flat_gradient(const at::Tensor& loss, const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> parts = torch::autograd::grad({loss}, parameters, {}, std::nullopt, false, true);
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] = (parts[i].defined() ? parts[i] : at::zeros_like(parameters[i])).flatten().to(at::kDouble);
  return at::cat(parts);
}

// The weights at w + move while this lives.
class MovedWeights {
 public:
  MovedWeights(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& move)
      : parameters_(parameters) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      before_.push_back(parameters[i].detach().clone());
      parameters[i].variable_data().add_(move[i]);
    }
  }
  ~MovedWeights() {
    for (std::size_t i = 0; i < before_.size(); ++i) parameters_[i].variable_data().copy_(before_[i]);
  }
  MovedWeights(const MovedWeights&) = delete;
  MovedWeights& operator=(const MovedWeights&) = delete;

 private:
  const std::vector<at::Tensor>& parameters_;
  std::vector<at::Tensor> before_;
};

}  // namespace

CurvatureProbe::CurvatureProbe(const train::Task& task, CurvatureConfig config)
    : task_(task),
      config_(std::move(config)),
      parameters_(model::trained_parameters(*task.model).tensors),
      probe_(draw_probe(task, config_.probe, parameters_.at(0).device())) {
  if (!config_.measures()) return;
  obstacle_ = second_derivative_obstacle();
  if (obstacle_.empty()) return;
  config_.at = CurvatureSteps::kListed;
  config_.steps = {};
  config_.on_spike = CurvatureOnSpike::kNone;
}

std::string CurvatureProbe::second_derivative_obstacle() const {
  const curvature::StateGuard guard(*task_.model, named_seed(task_.seed, "curvature.dropout"));
  const data::Batch few = probe_.narrow(0, std::min<std::int64_t>(2, probe_.rows()));
  try {
    curvature::HessianOperator hessian([&] { return data_loss(few); }, parameters_);
    hessian.apply_flat(at::ones({hessian.dimension()}, at::TensorOptions(hessian.device()).dtype(hessian.dtype())));
  } catch (const c10::Error& error) {
    return "the Hessian cannot be formed: " + detail::first_line(error);
  }
  return "";
}

at::Tensor CurvatureProbe::data_loss(const data::Batch& batch) const {
  return task_.objective->loss(task_.forward(batch), batch);
}

at::Tensor CurvatureProbe::penalty() const {
  const at::Tensor regularizer = train::regularizer_loss(task_.regularizer, parameters_);
  const double decay = train::optimizer_method(task_.optimizer).loss_decay;
  if (decay == 0) return regularizer;
  const at::Tensor decayed = train::weight_decay_loss(decay, parameters_);
  return regularizer.defined() ? regularizer + decayed : decayed;
}

at::Tensor CurvatureProbe::loss() const {
  const at::Tensor data = data_loss(probe_), extra = penalty();
  return extra.defined() ? data + extra : data;
}

CurvatureRecord CurvatureProbe::measure(std::int64_t step, double learning_rate) const {
  const curvature::StateGuard guard(*task_.model, named_seed(task_.seed, "curvature.dropout"));
  curvature::HessianOperator hessian([this] { return loss(); }, parameters_);
  const curvature::Spectrum spectrum = curvature::lanczos(
      hessian,
      {.limit = config_.limit, .tolerance = config_.tolerance, .seed = named_seed(task_.seed, "curvature.lanczos")});
  const double smoothness = spectrum.smoothness();
  const curvature::SpectrumEnd& low = spectrum.lambda_min;
  CurvatureRecord record{.step = step,
                         .lambda_max = spectrum.lambda_max.value,
                         .smoothness = smoothness,
                         .gamma_L = learning_rate * smoothness,
                         .products = spectrum.products};
  (low.converged ? record.lambda_min : record.lambda_min_bound) = low.converged ? low.value : low.value - low.residual;
  return record;
}

Tridiagonal CurvatureProbe::from(const std::vector<at::Tensor>& move, const std::vector<at::Tensor>& displacement,
                                 int steps) const {
  const curvature::StateGuard guard(*task_.model, named_seed(task_.seed, "curvature.dropout"));
  const MovedWeights moved(parameters_, move);
  curvature::HessianOperator hessian([this] { return loss(); }, parameters_);
  return curvature::lanczos_from(hessian, displacement, steps);
}

CurvatureProbe::Gradient CurvatureProbe::gradient() const {
  const curvature::StateGuard guard(*task_.model, named_seed(task_.seed, "curvature.dropout"),
                                    curvature::Derivatives::kFirst);
  const std::int64_t groups = std::min<std::int64_t>(16, probe_.rows());
  const std::int64_t rows = probe_.rows() / groups;
  Gradient result;
  std::vector<at::Tensor> group_gradients;
  for (std::int64_t i = 0; i < groups; ++i) {
    const at::Tensor part = data_loss(probe_.narrow(i * rows, rows));
    result.loss += part.item<double>() / static_cast<double>(groups);
    group_gradients.push_back(flat_gradient(part, parameters_));
  }
  const at::NoGradGuard no_grad;
  const at::Tensor all = at::stack(group_gradients);
  at::Tensor mean = all.mean(0);
  const double spread = (all - mean).square().sum().item<double>();
  if (groups > 1) result.variance = static_cast<double>(rows) * spread / static_cast<double>(groups - 1);
  const at::AutoGradMode with_graph(true);
  if (const at::Tensor extra = penalty(); extra.defined()) {
    result.loss += extra.item<double>();
    mean = mean + flat_gradient(extra, parameters_);
  }
  result.norm = mean.norm().item<double>();
  return result;
}

CurvatureProbe::SampleVariance CurvatureProbe::sample_variance() const {
  const curvature::StateGuard guard(*task_.model, named_seed(task_.seed, "curvature.dropout"),
                                    curvature::Derivatives::kFirst);
  const std::int64_t n = probe_.rows();
  if (n < 2) return {0, 0, n};
  const auto of_sample = [&](std::int64_t row) { return flat_gradient(data_loss(probe_.narrow(row, 1)), parameters_); };
  at::Tensor mean = of_sample(0) / static_cast<double>(n);
  for (std::int64_t row = 1; row < n; ++row) mean += of_sample(row) / static_cast<double>(n);
  double sum = 0, squares = 0;
  for (std::int64_t row = 0; row < n; ++row) {
    const double distance = (of_sample(row) - mean).square().sum().item<double>();
    sum += distance;
    squares += distance * distance;
  }
  const auto count = static_cast<double>(n);
  const double spread = std::max(0.0, squares / count - sum * sum / (count * count));
  return {sum / (count - 1), std::sqrt(spread / (count - 1)), n};
}

}  // namespace gradquake::measure
