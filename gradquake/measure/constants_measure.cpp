#include "gradquake/measure/constants_measure.h"

#include <fmt/format.h>

#include <algorithm>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/measure/known_constants.h"
#include "gradquake/measure/operator_constants.h"
#include "gradquake/measure/perturbation_moments.h"
#include "gradquake/measure/stages.h"
#include "gradquake/train/learning_rate.h"

namespace gradquake::measure {
namespace {

constexpr double kLossTolerance = 1e-4;
constexpr int kProducts = 100;

// L, mu and Delta_0.
void measure_loss(const train::Task& task, const std::optional<ClosedForm>& known, const CurvatureProbe& probe,
                  ConstantsFile& file) {
  theory::Constants& constants = file.constants;
  const CurvatureProbe::Gradient gradient = probe.gradient();
  if (known) {
    constants.smoothness = known->smoothness;
    constants.pl = known->pl;
    file.estimates.push_back({"smoothness", known->method, 0, {}, {}});
    if (known->pl) file.estimates.push_back({"pl", known->method, 0, {}, {}});
  } else {
    const CurvatureRecord curvature = probe.measure(0, task.optimizer.learning_rate());
    if (curvature.smoothness > 0) constants.smoothness = curvature.smoothness;
    file.estimates.push_back({"smoothness", "largest |eigenvalue| of the Hessian at these weights, Lanczos",
                              curvature.products, probe.config().tolerance, std::nullopt});
  }
  const double pl = gradient.norm * gradient.norm / (2 * gradient.loss);
  if (!constants.pl && constants.smoothness && gradient.loss > 0 && pl > 0) {
    constants.pl = std::min(pl, *constants.smoothness);
    file.estimates.push_back({"pl", "estimate: ||grad l||^2/(2 l) at these weights, l* taken as 0", 0, {}, {}});
  }
  constants.initial_gap = std::max(0.0, gradient.loss);
  file.estimates.push_back({"initial_gap", "loss on the probe set, l* taken as 0", 0, {}, {}});
}

// apart: a sample's gradient does not depend on the others of its batch.
void measure_variance(const train::Task& task, const CurvatureProbe& probe, bool apart, ConstantsFile& file) {
  if (full_batch(task)) {
    file.constants.gradient_variance = batch_variance(task, 0);
    file.estimates.push_back({"gradient_variance", "exact: full batch, optimizer.gradient_noise alone", 0, {}, {}});
    return;
  }
  if (!apart) {
    file.constants.gradient_variance = batch_variance(task, probe.gradient().variance);
    file.estimates.push_back({"gradient_variance", "estimate: spread of the mean gradients of 16 groups", 16, {}, {}});
    return;
  }
  const CurvatureProbe::SampleVariance variance = probe.sample_variance();
  file.constants.gradient_variance = batch_variance(task, variance.value);
  file.estimates.push_back({"gradient_variance", fmt::format("variance over {} samples / batch size", variance.samples),
                            variance.samples, std::nullopt,
                            variance.standard_error / static_cast<double>(task.batch_size)});
}

void measure_operators(const train::Task& task, const std::optional<ClosedForm>& known, const CurvatureProbe& probe,
                       ConstantsFile& file) {
  theory::Constants& constants = file.constants;
  const Stages stages(task, probe.batch());
  OperatorMeasurement measurement(stages, named_seed(task.seed, "theory.constants"), file.estimates);
  if (known && !known->operators.empty()) {
    constants.per_operator = known->operators;
    file.estimates.push_back({"per_operator", known->method, 0, {}, {}});
  } else {
    for (std::size_t i = 1; i <= stages.operators(); ++i) constants.per_operator.push_back(measurement.of(i));
  }
  constants.uniform = theory::uniform_from(constants.per_operator);
  file.estimates.push_back({"uniform", "the largest of per_operator", 0, {}, {}});
  try {
    add_moments(*task.plan, measurement.site_sizes(), constants);
    file.estimates.push_back({"delta, eps", "closed form, from the rules of the config", 0, {}, {}});
  } catch (const UserError& error) {
    file.estimates.push_back({"delta, eps", std::string("absent: ") + error.what(), 0, {}, {}});
  }
}

}  // namespace

ConstantsFile measure_constants(const train::Task& task, CurvatureConfig curvature) {
  if (train::dtype_of(task) != at::kDouble)
    throw UserError("theory", "expected run.dtype float64 (second differences cancel), got float32");
  curvature.limit = std::max(curvature.limit, kProducts);
  curvature.tolerance = std::min(curvature.tolerance, kLossTolerance);
  const CurvatureProbe probe(task, curvature);
  const std::optional<ClosedForm> known = closed_form(task);

  ConstantsFile file;
  file.constants.operators = static_cast<int>(task.sites.size()) + 1;
  file.constants.step_size = task.optimizer.schedule.largest(task.optimizer.learning_rate(), task.steps);
  file.constants.steps = task.steps;
  measure_loss(task, known, probe, file);
  bool apart = true;
  try {
    measure_operators(task, known, probe, file);
  } catch (const UserError& error) {
    apart = false;
    file.estimates.push_back({"per_operator", std::string("absent: ") + error.what(), 0, {}, {}});
  }
  measure_variance(task, probe, apart, file);
  theory::validate(file.constants);
  return file;
}

}  // namespace gradquake::measure
