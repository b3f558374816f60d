#include "gradquake/predict/spike_predictor.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "gradquake/curvature/lanczos.h"
#include "gradquake/theory/local_prediction.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::predict {
namespace {

constexpr char kLocal[] = "local: ||Delta|| ||T_m (I - gamma T_m)^k e_1||";
constexpr char kBound[] = "(38)";

std::string obstacle(const measure::CurvatureProbe& probe, const SpikeMoment& moment) {
  const StepRecord& record = moment.record;
  if (!moment.opens_episode) return "a later spike of an open episode";
  if (!moment.constants.not_stated_for.empty()) return "not stated for " + moment.constants.not_stated_for;
  if (!record.finite || !record.weights_finite) return "the gradient is not finite";
  if (!record.grad_error || moment.view.clean.empty()) return "no clean gradient at this step (monitor.shadow)";
  if (!std::isfinite(*record.grad_error)) return "the clean gradient is not finite";
  if (*record.grad_error == 0) return "nothing was added at this step, so nothing is displaced";
  if (!moment.levels.level) return "no level: no clean norm is known up to this step";
  if (!probe.obstacle().empty()) return probe.obstacle();
  if (probe.config().on_spike == measure::CurvatureOnSpike::kNone) return "monitor.curvature.on_spike is none";
  return "";
}

// -gamma (gradient + r + d w)
std::vector<at::Tensor> update(const train::Task& task, const SpikeMoment& moment,
                               const std::vector<at::Tensor>& gradients) {
  const double decay = train::optimizer_method(task.optimizer).loss_decay;
  std::vector<at::Tensor> moves;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const at::Tensor& w = moment.view.parameters[i];
    at::Tensor gradient = train::add_regularizer_gradient(task.regularizer, gradients[i], w);
    if (decay > 0) gradient = at::add(gradient, w.detach(), decay);
    moves.push_back(gradient * -moment.record.learning_rate);
  }
  return moves;
}

}  // namespace

SpikePrediction SpikePredictor::predict(const SpikeMoment& moment) const {
  SpikePrediction prediction;
  prediction.step = moment.record.step;
  prediction.learning_rate = moment.record.learning_rate;
  prediction.level = moment.levels.level;
  prediction.loss = moment.record.clean_loss;
  prediction.grad_error = moment.record.grad_error;
  prediction.smoothness = moment.constants.smoothness;
  prediction.pl = moment.constants.pl;
  prediction.gradient_variance = moment.constants.gradient_variance;
  if (const std::string reason = obstacle(probe_, moment); !reason.empty()) {
    prediction.local = prediction.displaced = theory::no_prediction(kLocal, reason);
    prediction.bound = theory::no_prediction(kBound, reason);
    return prediction;
  }
  const at::NoGradGuard no_grad;
  add_local(moment, prediction);
  prediction.bound = bound(moment);
  return prediction;
}

void SpikePredictor::add_local(const SpikeMoment& moment, SpikePrediction& prediction) const {
  const double gamma = moment.record.learning_rate;
  std::vector<at::Tensor> displacement;
  for (std::size_t i = 0; i < moment.view.clean.size(); ++i)
    displacement.push_back((moment.view.perturbed[i] - moment.view.clean[i]) * -gamma);
  const double length = curvature::norm(displacement);
  const theory::GradientBand band{.level = *moment.levels.level,
                                  .mad = moment.levels.norm_mad,
                                  .factor = recovery_.factor,
                                  .ewma = recovery_.ewma,
                                  .hold = recovery_.hold};
  const auto from = [&](const std::vector<at::Tensor>& gradients) {
    const Tridiagonal T = probe_.from(update(task_, moment, gradients), displacement, kLanczosSteps);
    return theory::local_prediction(T, length, gamma, band);
  };
  const theory::LocalPrediction twin = from(moment.view.clean);
  prediction.displacement = length;
  prediction.excess = twin.excess;
  prediction.lambda_max = twin.lambda_max;
  prediction.local = twin.steps;
  prediction.displaced = from(moment.view.perturbed).steps;
}

Prediction SpikePredictor::bound(const SpikeMoment& moment) const {
  std::string reason;
  const auto problem = moment.constants.problem(moment.record.learning_rate, &reason);
  if (!problem) return theory::no_prediction(kBound, reason);
  if (!moment.record.clean_loss || !std::isfinite(*moment.record.clean_loss))
    return theory::no_prediction(kBound, "no clean loss is known at this step");
  Prediction steps = theory::recovery_steps(*problem, {.error = *moment.record.grad_error,
                                                       .loss = *moment.record.clean_loss,
                                                       .minimum_loss = moment.constants.minimum_loss,
                                                       .level = *moment.levels.level,
                                                       .factor = recovery_.factor});
  if (steps.value && !moment.constants.pl_exact) steps.reason += "; mu estimated";
  return steps;
}

}  // namespace gradquake::predict
