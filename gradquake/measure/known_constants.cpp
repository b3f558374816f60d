#include "gradquake/measure/known_constants.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradquake/model/trained_parameters.h"

namespace gradquake::measure {

namespace {

// Of the training set's H'H / M, ascending.
std::vector<double> data_curvature(const at::Tensor& H) {
  const at::Tensor values = at::linalg_eigvalsh(H.t().mm(H) / H.size(0)).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

at::Tensor training_inputs(const train::Task& task) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(task.data.train->size()));
  std::iota(all.begin(), all.end(), 0);
  return task.data.train->get(all).input.flatten(1).to(at::kCPU, at::kDouble);
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

std::optional<ClosedForm> closed_form(const train::Task& task) {
  const at::NoGradGuard no_grad;
  const bool regular = task.regularizer.active();
  const double ridge =
      (regular ? (*task.regularizer).smoothness() : 0) + train::optimizer_method(task.optimizer).loss_decay;
  const bool convex = !regular || (*task.regularizer).quadratic();
  if (task.model_kind == "logistic" && task.objective == train::ObjectiveKind::kLogistic) {
    return logistic(training_inputs(task), ridge, convex);
  }
  if (task.model_kind == "linear_chain" && task.objective == train::ObjectiveKind::kMse && task.sites.size() == 1 &&
      convex) {
    return least_squares(training_inputs(task), static_cast<double>(task.sites[0].shape.at(1)), ridge);
  }
  return std::nullopt;
}

std::string not_stated_for(const train::OptimizerConfig& optimizer) {
  const std::string method = train::optimizer_method(optimizer).not_stated_for;
  return method.empty() && optimizer.clip_norm ? "clipping" : method;
}

bool full_batch(const train::Task& task) { return task.batch_size >= task.data.train->size(); }

double batch_variance(const train::Task& task, double sample_variance) {
  double parameters = 0;
  for (const at::Tensor& one : model::trained_parameters(*task.model).tensors) {
    parameters += static_cast<double>(one.numel());
  }
  const double noise = parameters * task.optimizer.gradient_noise * task.optimizer.gradient_noise;
  return noise + (full_batch(task) ? 0 : sample_variance / static_cast<double>(task.batch_size));
}

RunConstants known_constants(const train::Task& task) {
  RunConstants constants;
  constants.not_stated_for = not_stated_for(task.optimizer);
  const bool full = full_batch(task);
  if (full) constants.gradient_variance = batch_variance(task, 0);
  if (const auto known = closed_form(task)) {
    constants.smoothness = known->smoothness;
    constants.pl = known->pl;
    constants.pl_exact = known->pl.has_value();
    constants.closed_form = full && task.optimizer.gradient_noise == 0;
  }
  return constants;
}

}  // namespace gradquake::measure
