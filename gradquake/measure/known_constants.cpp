#include "gradquake/measure/known_constants.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "gradquake/model/model.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::measure {

namespace {

// Of the training set's H'H / M, ascending.
std::vector<double> data_curvature(const at::Tensor& H) {
  const at::Tensor values = at::linalg_eigvalsh(H.t().mm(H) / H.size(0)).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

at::Tensor training_inputs(const train::Task& task) {
  return task.data.train->range(0, task.data.train->size()).input().flatten(1).to(at::kCPU, at::kDouble);
}

// The smallest eigenvalue, without a ridge the smallest above 0; absent where all are 0.
std::optional<double> smallest(const std::vector<double>& curvature, double ridge) {
  const double zero = 1e-10 * curvature.back();  // rounding of an eigenvalue that is 0
  const auto found = ridge > 0 ? curvature.begin()
                               : std::find_if(curvature.begin(), curvature.end(), [&](double x) { return x > zero; });
  if (found == curvature.end()) return std::nullopt;
  return std::max(0.0, *found);
}

}  // namespace

std::optional<ClosedForm> closed_form(const train::Task& task) {
  const at::NoGradGuard no_grad;
  const auto* network = dynamic_cast<const model::Model*>(task.model.get());
  const std::optional<std::int64_t> outputs = network ? network->linear_outputs() : std::nullopt;
  const auto loss = outputs ? task.objective->bounds(*outputs) : std::nullopt;
  if (!loss || task.sites.size() != 1) return std::nullopt;

  const bool regular = task.regularizer.active();
  const double ridge =
      (regular ? (*task.regularizer).smoothness() : 0) + train::optimizer_method(task.optimizer).loss_decay;
  const bool convex = !regular || (*task.regularizer).quadratic();
  const at::Tensor H = training_inputs(task);
  const std::vector<double> curvature = data_curvature(H);
  ClosedForm form{.method = "closed form of " + loss->name,
                  .smoothness = loss->curvature * curvature.back() + ridge,
                  .pl = std::nullopt,
                  .operators = {}};
  if (convex && loss->least_curvature > 0) {
    const std::optional<double> least = smallest(curvature, ridge);
    if (!least) return std::nullopt;
    form.pl = loss->least_curvature * *least + ridge;
  } else if (convex && ridge > 0) {
    form.pl = ridge;
  }
  if (loss->slope && loss->curvature_change && *outputs == 1) {
    // No gradient goes to the data, so J_1 and the derivatives in y_0 do not appear.
    form.operators = {
        {.c = 0, .k = H.norm(2, 1).max().item<double>(), .ell = 0, .nu = *loss->slope, .D = 0, .E = 0},
        {.c = *loss->slope, .k = 0, .ell = *loss->slope, .nu = 1, .D = loss->curvature, .E = *loss->curvature_change}};
  }
  return form;
}

std::string not_stated_for(const train::OptimizerConfig& optimizer) {
  const std::string method = train::optimizer_method(optimizer).not_stated_for;
  return method.empty() && optimizer.clip_norm ? "clipping" : method;
}

bool full_batch(const train::Task& task) { return task.batch_size >= task.data.train->size(); }

double batch_variance(const train::Task& task, double sample_variance) {
  double parameters = 0;
  for (const at::Tensor& one : model::trained_parameters(*task.model).tensors)
    parameters += static_cast<double>(one.numel());
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
