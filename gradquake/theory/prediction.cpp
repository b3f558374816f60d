#include "gradquake/theory/prediction.h"

#include <cmath>

#include "gradquake/theory/check.h"
#include "gradquake/theory/step_size.h"

namespace gradquake::theory {
namespace {

void require_errors(double e2, double b2) {
  require_nonnegative("e2", e2);
  require_nonnegative("b2", b2);
}

void require_problem(const PlProblem& problem) {
  require_positive("smoothness", problem.smoothness);
  require_positive("pl", problem.pl);
  require(problem.pl <= problem.smoothness * (1 + 1e-9), "pl (mu) <= smoothness (L) = " + number(problem.smoothness),
          number(problem.pl));
  require_nonnegative("gradient_variance", problem.gradient_variance);
  require_positive("step_size", problem.step_size);
}

double contraction(const PlProblem& problem) { return problem.pl * problem.step_size / 3; }

// 3 L gamma sigma^2/mu of (38).
double noise_floor(const PlProblem& problem) {
  return 3 * problem.smoothness * problem.step_size * problem.gradient_variance / problem.pl;
}

// The smallest integer k >= 0 with rho^k start <= room, room > 0. Counted in doubles: it may exceed any integer type.
double first_step_below(double start, double room, double contraction_per_step) {
  if (start <= room) return 0;
  return std::ceil(std::log(room / start) / std::log1p(-contraction_per_step) * (1 - 1e-12));
}

}  // namespace

Prediction no_prediction(const std::string& equation, const std::string& reason) {
  return {.value = {}, .equation = equation, .reason = reason};
}

double spike_jump(double smoothness, double step_size, double e2, double b2) {
  return smoothness * step_size * step_size * e2 + step_size * b2 / 2;  // (40)
}

Prediction spike_share(double smoothness, double step_size, double e2, double b2, std::int64_t T) {
  const std::string equation = "(34): (6 L gamma e2 + 3 b2)/T";
  require(T >= 1, "T >= 1", std::to_string(T));
  if (const std::string reason = step_size_violation(step_size, smoothness); !reason.empty())
    return no_prediction(equation, reason);
  return {
      .value = (6 * smoothness * step_size * e2 + 3 * b2) / static_cast<double>(T), .equation = equation, .reason = {}};
}

Prediction plateau_level(const PlProblem& problem, double e2, double b2, std::int64_t interval) {
  const std::string equation = "(38): jump/(1 - rho^interval)";
  require_problem(problem);
  require_errors(e2, b2);
  require(interval >= 1, "an interval >= 1", std::to_string(interval));
  if (const std::string reason = step_size_violation(problem.step_size, problem.smoothness); !reason.empty())
    return no_prediction(equation, reason);
  const double jump = spike_jump(problem.smoothness, problem.step_size, e2, b2);
  const double forgotten = -std::expm1(static_cast<double>(interval) * std::log1p(-contraction(problem)));
  return {.value = jump / forgotten, .equation = equation, .reason = {}};
}

Prediction recovery_steps(const PlProblem& problem, const ObservedSpike& spike) {
  const std::string equation = "(38): rho^k (gap + jump) + 3 L gamma sigma^2/mu <= ((factor level)^2 - sigma^2)/(2 L)";
  require_problem(problem);
  require_nonnegative("gradient error", spike.error);
  require_nonnegative("level", spike.level);
  require_positive("factor", spike.factor);
  require(std::isfinite(spike.loss), "a finite loss", number(spike.loss));
  if (const std::string reason = step_size_violation(problem.step_size, problem.smoothness); !reason.empty())
    return no_prediction(equation, reason);
  const double edge = spike.factor * spike.level;
  const double allowed = (edge * edge - problem.gradient_variance) / (2 * problem.smoothness);
  const double room = allowed - noise_floor(problem);
  if (!(room > 0)) return no_prediction(equation, kNoiseFloor);
  const double squared = spike.error * spike.error;
  const double gap = std::max(0.0, spike.loss - spike.minimum_loss.value_or(0.0));
  const double start = gap + spike_jump(problem.smoothness, problem.step_size, squared, squared);
  Prediction prediction{
      .value = first_step_below(start, room, contraction(problem)), .equation = equation, .reason = {}};
  if (!spike.minimum_loss) prediction.reason = "l* taken as 0";
  return prediction;
}

Prediction steps_to_loss(const PlProblem& problem, double initial_gap, double e2, double b2, double target) {
  const std::string equation = "(38)";
  require_problem(problem);
  require_errors(e2, b2);
  require_nonnegative("initial_gap", initial_gap);
  require_positive("target", target);
  if (const std::string reason = step_size_violation(problem.step_size, problem.smoothness); !reason.empty())
    return no_prediction(equation, reason);
  // rho^T gap + noise + (1 - rho^T) plateau <= target, monotone in rho^T.
  const double plateau = spike_jump(problem.smoothness, problem.step_size, e2, b2) / contraction(problem);
  const double room = target - noise_floor(problem) - plateau;
  if (initial_gap + noise_floor(problem) <= target) return {.value = 0, .equation = equation, .reason = {}};
  if (!(room > 0)) {
    return no_prediction(equation, "the bound stays above the target: noise floor " + number(noise_floor(problem)) +
                                       " and perturbation plateau " + number(plateau));
  }
  return {
      .value = first_step_below(initial_gap - plateau, room, contraction(problem)), .equation = equation, .reason = {}};
}

Prediction steps_to_gradient(double smoothness, double gradient_variance, double step_size, double initial_gap,
                             double e2, double b2, double target) {
  const std::string equation = "(34)";
  require_positive("smoothness", smoothness);
  require_nonnegative("gradient_variance", gradient_variance);
  require_positive("step_size", step_size);
  require_nonnegative("initial_gap", initial_gap);
  require_errors(e2, b2);
  require_positive("target", target);
  if (const std::string reason = step_size_violation(step_size, smoothness); !reason.empty())
    return no_prediction(equation, reason);
  const double floor = 6 * smoothness * step_size * (gradient_variance + e2) + 3 * b2;
  if (!(target > floor))
    return no_prediction(equation, "the bound stays above the target: noise and perturbations leave " + number(floor));
  const double steps = std::ceil(6 * initial_gap / (step_size * (target - floor)) * (1 - 1e-12));
  return {.value = std::max(1.0, steps), .equation = equation, .reason = {}};
}

}  // namespace gradquake::theory
