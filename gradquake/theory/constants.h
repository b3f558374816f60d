// What the bounds are computed from. Operators are numbered 1..N as in the paper (arXiv 2602.20646, section 1):
// y_i = f_i(y_{i-1}, w_i), J_i = df_i/dy, K_i = df_i/dw. delta_j is added to y_j, j = 1..N-1; eps_i to v_{i-1}, i
// = 2..N. Every member may be absent; a bound that needs it then says so.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::theory {

// Assumption 3, one constant for all operators, over the region that the (perturbed) passes visit.
struct UniformConstants {
  double C_grad = 0;  // >= ||J_i||_op and ||K_i||_op
  double C_hess = 0;  // >= norm of the derivative of K_i in y; `corrected` needs it to bound that of J_i too
  double L_f = 0;     // Lipschitz constant of f_i in y
  double L_grad = 0;  // Lipschitz constant of J_i and K_i in y
  double L_hess = 0;  // Lipschitz constant of their derivatives in y
};

// The same for one operator (the sharp variant).
struct OperatorConstants {
  double c = 0;    // >= ||J_i||_op
  double k = 0;    // >= ||K_i||_op
  double ell = 0;  // Lipschitz constant of f_i in y, at most c
  double nu = 0;   // >= ||v_i||, v_i the clean gradient of the activation; 1 for i = N
  double D = 0;    // Lipschitz constant of J_i and of K_i in y
  double E = 0;    // Lipschitz constant of their derivatives in y
};

// Moments of delta_j at a step where it fires, given the weights and the sample. All zero: no perturbation.
struct ForwardMoments {
  double second_moment = 0;  // E||delta||^2
  double mean_squared = 0;   // E||E[delta | earlier perturbations]||^2
  double fourth_moment = 0;  // E||delta||^4
  double frequency = 1;      // probability that the site fires at a step, in [0, 1]
};

// Moments of eps_i, likewise.
struct BackwardMoments {
  double second_moment = 0;
  double mean_squared = 0;
  double frequency = 1;
};

// The gradient error as observed, averaged over steps: E||u~ - u||^2 and E||E_t[u~ - u]||^2.
struct MeasuredError {
  double second_moment = 0;
  double bias_squared = 0;
};

struct Constants {
  int operators = 0;  // N >= 2
  std::optional<UniformConstants> uniform;
  std::vector<OperatorConstants> per_operator;  // N entries, or none
  std::optional<double> smoothness;             // L, Lipschitz constant of the gradient of the loss
  std::optional<double> pl;                     // mu <= L, (11)
  std::optional<double> gradient_variance;      // sigma^2, Assumption 2
  std::optional<double> initial_gap;            // Delta_0 = l(w_0) - l*
  std::optional<double> step_size;              // gamma
  std::optional<std::int64_t> steps;            // T >= 1
  std::vector<ForwardMoments> delta;            // N-1 entries, sites 1..N-1, or none (no forward perturbation)
  std::vector<BackwardMoments> eps;             // N-1 entries, operators 2..N, or none
  std::optional<MeasuredError> measured;
};

// Throws UserError, naming the constant, where one is NaN, infinite or negative, N < 2, T < 1, mu > L, a list has the
// wrong length, or moments contradict each other (mean_squared > second_moment, fourth_moment < second_moment^2).
GRADQUAKE_EXPORT void validate(const Constants& constants);

// The uniform constants that the per-operator ones imply: the largest of each.
GRADQUAKE_EXPORT UniformConstants uniform_from(const std::vector<OperatorConstants>& per_operator);

}  // namespace gradquake::theory
