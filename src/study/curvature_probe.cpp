#include "gradquake/study/curvature_probe.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "gradquake/core/seeds.h"
#include "gradquake/curvature/lanczos.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/train/objective.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::study {
namespace {

data::Batch draw_probe(const RunConfig& config, const data::Dataset& dataset, at::Device device) {
  data::BatchSampler sampler(dataset.size(), std::min(config.curvature.probe, dataset.size()),
                             named_seed(config.run.seed, "curvature.probe"));
  data::Batch probe = dataset.get(sampler.indices(0));
  probe.input = probe.input.to(device);
  probe.target = probe.target.to(device);
  return probe;
}

std::vector<at::Tensor> trained(const model::Model& model) {
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& parameter : model.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  return parameters;
}

}  // namespace

CurvatureProbe::CurvatureProbe(const RunConfig& config, const Assembly& parts)
    : config_(config),
      model_(*parts.model),
      parameters_(trained(*parts.model)),
      probe_(draw_probe(config, *parts.data.train, parameters_.at(0).device())) {}

at::Tensor CurvatureProbe::loss() const {
  const at::Tensor output = model_.forward_with_target(probe_.input, probe_.target);
  at::Tensor total = train::objective_loss(train::objective_from_name(config_.objective), output, probe_.target);
  const at::Tensor penalty = train::regularizer_loss(config_.regularizer, parameters_);
  if (penalty.defined()) total = total + penalty;
  // adamw decays the weights beside the loss; in sgd and adam the decay is the gradient of this term.
  if (config_.optimizer.weight_decay > 0 && config_.optimizer.kind != "adamw") {
    total = total + train::regularizer_loss({"l2", config_.optimizer.weight_decay / 2}, parameters_);
  }
  return total;
}

CurvatureRecord CurvatureProbe::measure(std::int64_t step, double learning_rate) const {
  const curvature::StateGuard guard(model_, named_seed(config_.run.seed, "curvature.dropout"));
  curvature::HessianOperator hessian([this] { return loss(); }, parameters_);
  const curvature::Spectrum spectrum =
      curvature::lanczos(hessian, {.limit = config_.curvature.limit,
                                   .tolerance = config_.curvature.tolerance,
                                   .seed = named_seed(config_.run.seed, "curvature.lanczos")});
  const double smoothness = spectrum.smoothness();
  return {step, spectrum.lambda_max, spectrum.lambda_min, smoothness, learning_rate * smoothness, spectrum.products};
}

}  // namespace gradquake::study
