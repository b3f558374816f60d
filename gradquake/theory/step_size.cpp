#include "gradquake/theory/step_size.h"

#include <utility>

#include "gradquake/theory/check.h"

namespace gradquake::theory {

std::vector<Condition> step_size_conditions(double gamma_max, double L, std::int64_t step_of_L) {
  require_nonnegative("step size", gamma_max);
  require_nonnegative("smoothness L", L);
  const std::string note = step_of_L < 0 ? "L holds at every step" : "L measured at step " + std::to_string(step_of_L);

  Condition step_size{.name = "step_size",
                      .equation = "Theorems 3-5: gamma <= 1/(3 L)",
                      .variant = "measured",
                      .value = gamma_max,
                      .threshold = {},
                      .margin = {},
                      .holds = true,
                      .note = note};
  if (L > 0) {
    step_size.threshold = 1 / (3 * L);
    step_size.holds = step_size_violation(gamma_max, L).empty();
    if (gamma_max > 0) step_size.margin = *step_size.threshold / gamma_max;
  }

  Condition stability{.name = "linear_stability",
                      .equation = "gamma L <= 2",
                      .variant = "measured",
                      .value = gamma_max * L,
                      .threshold = 2,
                      .margin = {},
                      .holds = gamma_max * L <= 2,
                      .note = note};
  if (gamma_max * L > 0) stability.margin = 2 / (gamma_max * L);
  return {std::move(step_size), std::move(stability)};
}

std::vector<Condition> not_stated(std::vector<Condition> conditions, const std::string& optimizer) {
  for (Condition& condition : conditions) {
    condition.holds.reset();
    condition.note = "not stated for " + optimizer + "; " + condition.note;
  }
  return conditions;
}

std::string step_size_violation(double gamma, double L) {
  constexpr double kRounding = 1 + 1e-12;  // 1/(3 L) in double may exceed itself when multiplied back
  if (3 * L * gamma <= kRounding) return "";
  return "condition does not hold: step size " + number(gamma) + " > 1/(3 L) = " + number(1 / (3 * L));
}

}  // namespace gradquake::theory
