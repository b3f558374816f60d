// Theorems 3, 4 and 5 of arXiv 2602.20646: how perturbed SGD converges. Stated for plain SGD, in expectation over runs;
// on a full-batch run with bias_squared := ||u~ - u||^2 they hold for every run.
//
//   (34)  mean_t E||grad l(w_t)||^2 <= 6 Delta_0/(gamma T) + 6 L gamma sigma^2 + 6 L gamma mean_t e2_t + 3 mean_t b2_t
//   (37)  is (34) with Theorems 1 and 2 for e2_t and b2_t (Theorem 4)
//   (38)  E[l(w_T) - l*] <= rho^T Delta_0 + 3 L gamma sigma^2/mu + sum_t rho^{T-1-t} (L gamma^2 e2_t + gamma b2_t/2)
// with rho = 1 - mu gamma/3, e2_t = E||u~_t - u_t||^2, b2_t = E||E_t[u~_t - u_t]||^2, all for gamma <= 1/(3 L).
// The paper prints T-t for T-1-t in (38); unrolling (40) gives T-1-t (corrected).
//
// Changing step sizes, with S = sum_t gamma_t: (34) becomes sum_t gamma_t ||grad l||^2 / S <= 6 Delta_0/S
// + 6 L sum_t gamma_t^2 (sigma^2 + e2_t)/S + 3 sum_t gamma_t b2_t/S; in (38) rho^T becomes prod_t (1 - mu gamma_t/3),
// the term of step t is weighted by the product over s > t, and the noise term takes the largest gamma.
#pragma once

#include <span>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/constants.h"
#include "gradquake/theory/error_bounds.h"
#include "gradquake/theory/variant.h"

namespace gradquake::theory {

// The loss as the theorems see it.
struct Problem {
  double smoothness = 0;         // L
  double gradient_variance = 0;  // sigma^2
  double initial_gap = 0;        // Delta_0
};

// One step: its step size and its gradient error.
struct StepError {
  double step_size = 0;      // gamma_t
  double second_moment = 0;  // e2_t
  double bias_squared = 0;   // b2_t
};

// (34): value = the four terms. Units of a squared gradient norm.
struct NonconvexBound {
  Variant variant = Variant::kMeasured;
  double value = 0;
  double initial_gap = 0;           // 6 Delta_0/(gamma T)
  double gradient_noise = 0;        // 6 L gamma sigma^2
  double perturbation_energy = 0;   // 6 L gamma mean e2
  double perturbation_bias = 0;     // 3 mean b2
  SecondMomentBound second_moment;  // what e2 consists of
  BiasBound bias;                   // what b2 consists of
};

// (38): value = the four terms. Units of the loss.
struct PlBound {
  Variant variant = Variant::kMeasured;
  double value = 0;
  double initial_gap = 0;          // rho^T Delta_0
  double gradient_noise = 0;       // 3 L gamma sigma^2/mu
  double perturbation_energy = 0;  // L gamma^2 sum_t weight_t e2_t
  double perturbation_bias = 0;    // gamma/2 sum_t weight_t b2_t
  SecondMomentBound second_moment;
  BiasBound bias;
};

// Step by step, for any sequence of step sizes. No bound, with the reason, where the largest step size is beyond
// 1/(3 L). variant: printed takes the weights rho^{T-t}, every other rho^{T-1-t}. Throws UserError on bad constants or
// an empty run (T = 0).
GRADQUAKE_EXPORT Outcome<NonconvexBound> nonconvex_bound(const Problem& problem, std::span<const StepError> steps);
GRADQUAKE_EXPORT Outcome<PlBound> pl_bound(const Problem& problem, double mu, std::span<const StepError> steps,
                                           Variant variant = Variant::kCorrected);

// A constant step size and the same perturbations at every step, in closed form: (37) and (38), with Theorems 1 and 2
// in the same variant. No bound, with the reason, where a constant is absent or gamma > 1/(3 L).
GRADQUAKE_EXPORT Outcome<NonconvexBound> theorem3(const Constants& constants, Variant variant);
GRADQUAKE_EXPORT Outcome<PlBound> theorem5(const Constants& constants, Variant variant);

}  // namespace gradquake::theory
