#include "gradquake/theory/constants.h"

#include <algorithm>
#include <string>

#include "gradquake/theory/check.h"

namespace gradquake::theory {
namespace {

// Moments estimated from samples obey Jensen's inequality only up to rounding.
constexpr double kRounding = 1 + 1e-9;

std::string entry(const std::string& list, std::size_t position, int first_index) {
  return list + "[" + std::to_string(position) + "] (index " +
         std::to_string(static_cast<int>(position) + first_index) + ")";
}

void require_length(const std::string& name, std::size_t got, int expected) {
  require(got == 0 || got == static_cast<std::size_t>(expected), std::to_string(expected) + " entries in " + name,
          std::to_string(got));
}

void require_frequency(const std::string& name, double frequency) {
  require(frequency >= 0 && frequency <= 1, name + ".frequency in [0, 1]", number(frequency));
}

void require_moments(const std::string& name, double second, double mean_squared) {
  require_nonnegative(name + ".second_moment", second);
  require_nonnegative(name + ".mean_squared", mean_squared);
  require(mean_squared <= second * kRounding, name + ".mean_squared <= second_moment = " + number(second),
          number(mean_squared));
}

void validate_operators(const Constants& constants) {
  if (constants.uniform) {
    require_nonnegative("uniform.C_grad", constants.uniform->C_grad);
    require_nonnegative("uniform.C_hess", constants.uniform->C_hess);
    require_nonnegative("uniform.L_f", constants.uniform->L_f);
    require_nonnegative("uniform.L_grad", constants.uniform->L_grad);
    require_nonnegative("uniform.L_hess", constants.uniform->L_hess);
  }
  require_length("per_operator", constants.per_operator.size(), constants.operators);
  for (std::size_t i = 0; i < constants.per_operator.size(); ++i) {
    const OperatorConstants& one = constants.per_operator[i];
    const std::string name = entry("per_operator", i, 1);
    require_nonnegative(name + ".c", one.c);
    require_nonnegative(name + ".k", one.k);
    require_nonnegative(name + ".ell", one.ell);
    require_nonnegative(name + ".nu", one.nu);
    require_nonnegative(name + ".D", one.D);
    require_nonnegative(name + ".E", one.E);
  }
}

void validate_moments(const Constants& constants) {
  require_length("delta", constants.delta.size(), constants.operators - 1);
  for (std::size_t j = 0; j < constants.delta.size(); ++j) {
    const ForwardMoments& one = constants.delta[j];
    const std::string name = entry("delta", j, 1);
    require_moments(name, one.second_moment, one.mean_squared);
    require_nonnegative(name + ".fourth_moment", one.fourth_moment);
    const double least = one.second_moment * one.second_moment;
    require(one.fourth_moment * kRounding >= least, name + ".fourth_moment >= second_moment^2 = " + number(least),
            number(one.fourth_moment));
    require_frequency(name, one.frequency);
  }
  require_length("eps", constants.eps.size(), constants.operators - 1);
  for (std::size_t i = 0; i < constants.eps.size(); ++i) {
    const std::string name = entry("eps", i, 2);
    require_moments(name, constants.eps[i].second_moment, constants.eps[i].mean_squared);
    require_frequency(name, constants.eps[i].frequency);
  }
  if (constants.measured)
    require_moments("measured", constants.measured->second_moment, constants.measured->bias_squared);
}

void validate_optimization(const Constants& constants) {
  if (constants.smoothness) require_positive("smoothness", *constants.smoothness);
  if (constants.pl) {
    require_positive("pl", *constants.pl);
    if (constants.smoothness) {
      require(*constants.pl <= *constants.smoothness * kRounding,
              "pl (mu) <= smoothness (L) = " + number(*constants.smoothness), number(*constants.pl));
    }
  }
  if (constants.gradient_variance) require_nonnegative("gradient_variance", *constants.gradient_variance);
  if (constants.initial_gap) require_nonnegative("initial_gap", *constants.initial_gap);
  if (constants.step_size) require_positive("step_size", *constants.step_size);
  if (constants.steps) require(*constants.steps >= 1, "steps >= 1", std::to_string(*constants.steps));
}

}  // namespace

void validate(const Constants& constants) {
  require(constants.operators >= 2, "operators >= 2 (a site lies between two operators)",
          std::to_string(constants.operators));
  validate_operators(constants);
  validate_moments(constants);
  validate_optimization(constants);
}

UniformConstants uniform_from(const std::vector<OperatorConstants>& per_operator) {
  UniformConstants uniform;
  for (const OperatorConstants& one : per_operator) {
    uniform.C_grad = std::max({uniform.C_grad, one.c, one.k});
    uniform.C_hess = std::max(uniform.C_hess, one.D);
    uniform.L_f = std::max(uniform.L_f, one.ell);
    uniform.L_grad = std::max(uniform.L_grad, one.D);
    uniform.L_hess = std::max(uniform.L_hess, one.E);
  }
  return uniform;
}

}  // namespace gradquake::theory
