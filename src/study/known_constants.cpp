#include "gradquake/study/known_constants.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numeric>

namespace gradquake::study {

std::optional<LogisticConstants> logistic_constants(const RunConfig& config, const Assembly& parts) {
  if (config.model.kind != "logistic" || config.objective != "logistic") return std::nullopt;
  const at::NoGradGuard no_grad;
  std::vector<std::int64_t> all(static_cast<std::size_t>(parts.data.train->size()));
  std::iota(all.begin(), all.end(), 0);
  const at::Tensor H = parts.data.train->get(all).input.flatten(1).to(at::kCPU, at::kDouble);
  const double largest = at::linalg_eigvalsh(H.t().mm(H)).max().item<double>();
  const double decay = config.optimizer.kind == "adamw" ? 0 : config.optimizer.weight_decay;
  const double weight = config.regularizer.active() ? config.regularizer.weight : 0;

  LogisticConstants constants;
  constants.smoothness = largest / (4 * static_cast<double>(all.size())) + 2 * weight + decay;
  const bool l2 = weight == 0 || config.regularizer.kind == "l2";
  if (const double mu = 2 * weight + decay; l2 && mu > 0) constants.pl = mu;
  // f1 = -y h'w: no gradient goes to the data, so J_1 and the derivatives in y_0 do not appear.
  const double longest = H.norm(2, 1).max().item<double>();
  constants.operators = {{.c = 0, .k = longest, .ell = 0, .nu = 1, .D = 0, .E = 0},
                         {.c = 1, .k = 0, .ell = 1, .nu = 1, .D = 0.25, .E = 1 / (6 * std::sqrt(3.0))}};
  return constants;
}

std::string not_stated_for(const train::OptimizerConfig& optimizer) {
  if (optimizer.kind != "sgd") return optimizer.kind;
  if (optimizer.momentum > 0) return "momentum";
  if (optimizer.clip_norm) return "clipping";
  return "";
}

bool full_batch(const RunConfig& config, const Assembly& parts) {
  return config.data.batch_size >= parts.data.train->size();
}

double batch_variance(const RunConfig& config, const Assembly& parts, double sample_variance) {
  double parameters = 0;
  for (const at::Tensor& one : parts.model->parameters()) {
    if (one.requires_grad()) parameters += static_cast<double>(one.numel());
  }
  const double noise = parameters * config.optimizer.gradient_noise * config.optimizer.gradient_noise;
  return noise + (full_batch(config, parts) ? 0 : sample_variance / static_cast<double>(config.data.batch_size));
}

RunConstants known_constants(const RunConfig& config, const Assembly& parts) {
  RunConstants constants;
  constants.not_stated_for = not_stated_for(config.optimizer);
  const bool full = full_batch(config, parts);
  if (full) constants.gradient_variance = batch_variance(config, parts, 0);
  if (const auto logistic = logistic_constants(config, parts)) {
    constants.smoothness = logistic->smoothness;
    constants.pl = logistic->pl;
    constants.pl_exact = logistic->pl.has_value();
    constants.closed_form = full && config.optimizer.gradient_noise == 0;
  }
  return constants;
}

}  // namespace gradquake::study
