// Intermittent perturbations: Corollaries 2-4 and Table 1 of arXiv 2602.20646. Q_delta, Q_eps: the number of steps and
// sites at which a forward or backward perturbation of size O(1) occurs in a run of T steps.
//
//   Corollary 2 (49)  non-convex, zero mean:  1/sqrt(T) + (Q_delta + Q_eps)/T^{3/2} + Q_delta/T
//   Corollary 3 (50)  PL, zero mean:          ln T/T (1 + Q_delta) + (ln T/T)^2 max{Q_delta, Q_eps}
//   Corollary 4 (51)  non-convex:             1/sqrt(T) + (Q_delta + Q_eps)/T^{3/2} + (Q_delta + Q_eps)/T
//               (52)  PL:                     ln T/T (max{Q_delta, Q_eps} + 1)
// Orders of magnitude: every constant of the problem is left out. In (50) the paper prints max{Q_delta + Q_eps}, which
// at Q_eps ~ T gives ln^2 T/T and not the claimed ln T/T; corrected: the line before it, whose geometric sum is at most
// T/ln T: ln T/T (1 - (1 - ln T/T)^max{Q_delta, Q_eps}) for the last term.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/theory/variant.h"

namespace gradquake::theory {

// One row of Table 1: the rate is kept while Q_delta <~ T^delta_exponent and Q_eps <~ T^eps_exponent. Sufficient only.
struct OccurrenceLimit {
  bool pl = false;
  bool zero_mean = false;
  double delta_exponent = 0;
  double eps_exponent = 0;
  std::string equation;
};

GRADQUAKE_EXPORT std::array<OccurrenceLimit, 4> table1();

// The right side of (49)-(52).
struct OccurrenceOrder {
  double value = 0;
  double optimization = 0;         // the rate without perturbations
  double perturbation_energy = 0;  // from E||.||^2
  double perturbation_bias = 0;    // from conditional means and E||delta||^4
  std::string equation;
};

// variant: printed or corrected; they differ for pl and zero_mean only. T >= 2, Q >= 0.
GRADQUAKE_EXPORT OccurrenceOrder occurrence_order(bool pl, bool zero_mean, std::int64_t T, std::int64_t Q_delta,
                                                  std::int64_t Q_eps, Variant variant);

// Two rows for one run, Q_delta and Q_eps: value Q, threshold T^exponent with constant 1, `holds` null.
GRADQUAKE_EXPORT std::vector<Condition> occurrence_conditions(bool pl, bool zero_mean, std::int64_t T,
                                                              std::int64_t Q_delta, std::int64_t Q_eps);

}  // namespace gradquake::theory
