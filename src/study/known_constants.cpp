#include "gradquake/study/known_constants.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradquake/model/trained_parameters.h"

namespace gradquake::study {

namespace {

// Of the training set's H'H / M, ascending.
std::vector<double> data_curvature(const at::Tensor& H) {
  const at::Tensor values = at::linalg_eigvalsh(H.t().mm(H) / H.size(0)).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

at::Tensor training_inputs(const Assembly& parts) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(parts.data.train->size()));
  std::iota(all.begin(), all.end(), 0);
  return parts.data.train->get(all).input.flatten(1).to(at::kCPU, at::kDouble);
}

ClosedForm logistic(const at::Tensor& H, double ridge, bool convex) {
  ClosedForm form{.method = "closed form of logistic regression",
                  .smoothness = data_curvature(H).back() / 4 + ridge,
                  .pl = std::nullopt,
                  .operators = {}};
  if (convex && ridge > 0) form.pl = ridge;
  // f1 = -y h'w: no gradient goes to the data, so J_1 and the derivatives in y_0 do not appear.
  const double longest = H.norm(2, 1).max().item<double>();
  form.operators = {{.c = 0, .k = longest, .ell = 0, .nu = 1, .D = 0, .E = 0},
                    {.c = 1, .k = 0, .ell = 1, .nu = 1, .D = 0.25, .E = 1 / (6 * std::sqrt(3.0))}};
  return form;
}

std::optional<ClosedForm> least_squares(const at::Tensor& H, double outputs, double ridge) {
  std::vector<double> curvature = data_curvature(H);
  for (double& one : curvature) one *= 2 / outputs;
  const double largest = curvature.back();
  const double zero = 1e-10 * largest;  // rounding of an eigenvalue that is 0
  const auto smallest = ridge > 0
                            ? curvature.begin()
                            : std::find_if(curvature.begin(), curvature.end(), [&](double x) { return x > zero; });
  if (smallest == curvature.end()) return std::nullopt;
  return ClosedForm{.method = "closed form of least squares",
                    .smoothness = largest + ridge,
                    .pl = std::max(0.0, *smallest) + ridge,
                    .operators = {}};
}

}  // namespace

std::optional<ClosedForm> closed_form(const RunConfig& config, const Assembly& parts) {
  const at::NoGradGuard no_grad;
  const double decay = config.optimizer.kind == "adamw" ? 0 : config.optimizer.weight_decay;
  const double weight = config.regularizer.active() ? config.regularizer.weight : 0;
  const double ridge = 2 * weight + decay;
  const bool convex = weight == 0 || config.regularizer.kind == "l2";
  if (config.model.kind == "logistic" && config.objective == "logistic") {
    return logistic(training_inputs(parts), ridge, convex);
  }
  if (config.model.kind == "linear_chain" && config.objective == "mse" && parts.sites.size() == 1 && convex) {
    return least_squares(training_inputs(parts), static_cast<double>(parts.sites[0].shape.at(1)), ridge);
  }
  return std::nullopt;
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
  for (const at::Tensor& one : model::trained_parameters(*parts.model).tensors) {
    parameters += static_cast<double>(one.numel());
  }
  const double noise = parameters * config.optimizer.gradient_noise * config.optimizer.gradient_noise;
  return noise + (full_batch(config, parts) ? 0 : sample_variance / static_cast<double>(config.data.batch_size));
}

RunConstants known_constants(const RunConfig& config, const Assembly& parts) {
  RunConstants constants;
  constants.not_stated_for = not_stated_for(config.optimizer);
  const bool full = full_batch(config, parts);
  if (full) constants.gradient_variance = batch_variance(config, parts, 0);
  if (const auto known = closed_form(config, parts)) {
    constants.smoothness = known->smoothness;
    constants.pl = known->pl;
    constants.pl_exact = known->pl.has_value();
    constants.closed_form = full && config.optimizer.gradient_noise == 0;
  }
  return constants;
}

}  // namespace gradquake::study
