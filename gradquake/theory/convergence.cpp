#include "gradquake/theory/convergence.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "gradquake/theory/check.h"
#include "gradquake/theory/step_size.h"

namespace gradquake::theory {
namespace {

double largest_step_size(std::span<const StepError> steps) {
  double gamma = 0;
  for (const StepError& step : steps) gamma = std::max(gamma, step.step_size);
  return gamma;
}

void require_run(const Problem& problem, std::span<const StepError> steps) {
  require_positive("smoothness", problem.smoothness);
  require_nonnegative("gradient_variance", problem.gradient_variance);
  require_nonnegative("initial_gap", problem.initial_gap);
  require(!steps.empty(), "at least one step", "0");
  for (const StepError& step : steps) {
    require_nonnegative("step_size", step.step_size);
    require_nonnegative("second_moment", step.second_moment);
    require_nonnegative("bias_squared", step.bias_squared);
  }
  require_positive("largest step_size", largest_step_size(steps));
}

void require_pl(double mu, double L) {
  require_positive("pl", mu);
  require(mu <= L * (1 + 1e-9), "pl (mu) <= smoothness (L) = " + number(L), number(mu));
}

template <class Bound>
Outcome<Bound> finished(Bound bound) {
  bound.value = bound.initial_gap + bound.gradient_noise + bound.perturbation_energy + bound.perturbation_bias;
  if (!std::isfinite(bound.value)) return {std::nullopt, "the bound exceeds the range of double"};
  return {std::move(bound), ""};
}

std::string missing_constant(const Constants& constants) {
  if (!constants.smoothness) return "smoothness is absent";
  if (!constants.gradient_variance) return "gradient_variance is absent";
  if (!constants.initial_gap) return "initial_gap is absent";
  if (!constants.step_size) return "step_size is absent";
  if (!constants.steps) return "steps is absent";
  return step_size_violation(*constants.step_size, *constants.smoothness);
}

}  // namespace

Outcome<NonconvexBound> nonconvex_bound(const Problem& problem, std::span<const StepError> steps) {
  require_run(problem, steps);
  const double L = problem.smoothness;
  if (const std::string reason = step_size_violation(largest_step_size(steps), L); !reason.empty())
    return {std::nullopt, reason};
  double S = 0;
  NonconvexBound bound;
  for (const StepError& step : steps) {
    const double gamma = step.step_size;
    S += gamma;
    bound.gradient_noise += 6 * L * gamma * gamma * problem.gradient_variance;  // (34) weighted by gamma_t
    bound.perturbation_energy += 6 * L * gamma * gamma * step.second_moment;
    bound.perturbation_bias += 3 * gamma * step.bias_squared;
  }
  bound.initial_gap = 6 * problem.initial_gap / S;
  bound.gradient_noise /= S;
  bound.perturbation_energy /= S;
  bound.perturbation_bias /= S;
  return finished(std::move(bound));
}

Outcome<PlBound> pl_bound(const Problem& problem, double mu, std::span<const StepError> steps, Variant variant) {
  require_run(problem, steps);
  const double L = problem.smoothness;
  require_pl(mu, L);
  const double gamma_max = largest_step_size(steps);
  if (const std::string reason = step_size_violation(gamma_max, L); !reason.empty()) return {std::nullopt, reason};
  PlBound bound;
  bound.variant = variant;
  bound.initial_gap = problem.initial_gap;
  for (const StepError& step : steps) {
    const double gamma = step.step_size;
    const double rho = 1 - mu * gamma / 3;
    bound.initial_gap *= rho;
    double energy = L * gamma * gamma * step.second_moment;  // (40)
    double bias = gamma * step.bias_squared / 2;
    if (variant == Variant::kPrinted) {  // (38) prints rho^{T-t}
      energy *= rho;
      bias *= rho;
    }
    bound.perturbation_energy = rho * bound.perturbation_energy + energy;
    bound.perturbation_bias = rho * bound.perturbation_bias + bias;
  }
  bound.gradient_noise = 3 * L * gamma_max * problem.gradient_variance / mu;  // (38)
  return finished(std::move(bound));
}

Outcome<NonconvexBound> theorem3(const Constants& constants, Variant variant) {
  const Outcome<SecondMomentBound> e2 = theorem1(constants, variant);
  if (const std::string reason = missing_constant(constants); !reason.empty()) return {std::nullopt, reason};
  const Outcome<BiasBound> b2 = theorem2(constants, variant);
  if (!e2.bound || !b2.bound) return {std::nullopt, e2.bound ? b2.reason : e2.reason};
  const double L = *constants.smoothness;
  const double gamma = *constants.step_size;
  NonconvexBound bound;
  bound.variant = variant;
  bound.initial_gap = 6 * *constants.initial_gap / (gamma * static_cast<double>(*constants.steps));  // (34)
  bound.gradient_noise = 6 * L * gamma * *constants.gradient_variance;
  bound.perturbation_energy = 6 * L * gamma * e2.bound->value;
  bound.perturbation_bias = 3 * b2.bound->value;
  bound.second_moment = *e2.bound;
  bound.bias = *b2.bound;
  return finished(std::move(bound));
}

Outcome<PlBound> theorem5(const Constants& constants, Variant variant) {
  const Outcome<SecondMomentBound> e2 = theorem1(constants, variant);
  if (const std::string reason = missing_constant(constants); !reason.empty()) return {std::nullopt, reason};
  if (!constants.pl) return {std::nullopt, "pl is absent"};
  const Outcome<BiasBound> b2 = theorem2(constants, variant);
  if (!e2.bound || !b2.bound) return {std::nullopt, e2.bound ? b2.reason : e2.reason};
  const double L = *constants.smoothness;
  const double gamma = *constants.step_size;
  const double contraction = *constants.pl * gamma / 3;
  const double log_decay = static_cast<double>(*constants.steps) * std::log1p(-contraction);
  double weights = -std::expm1(log_decay) / contraction;         // sum_t rho^{T-1-t}
  if (variant == Variant::kPrinted) weights *= 1 - contraction;  // (38) prints rho^{T-t}
  PlBound bound;
  bound.variant = variant;
  bound.initial_gap = std::exp(log_decay) * *constants.initial_gap;  // (38)
  bound.gradient_noise = 3 * L * gamma * *constants.gradient_variance / *constants.pl;
  bound.perturbation_energy = L * gamma * gamma * weights * e2.bound->value;
  bound.perturbation_bias = gamma / 2 * weights * b2.bound->value;
  bound.second_moment = *e2.bound;
  bound.bias = *b2.bound;
  return finished(std::move(bound));
}

}  // namespace gradquake::theory
