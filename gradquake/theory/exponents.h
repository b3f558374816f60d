// Exponents in T: Corollary 1 of arXiv 2602.20646 for single runs, and fitted slopes for sweeps over T.
//
//   (43) non-convex, rate T^{-1/2}:  rms(delta) <~ T^{-1/8}, mean(delta) <~ T^{-1/4}, rms(eps) <~ 1, mean(eps) <~
//   T^{-1/4} (44) PL, rate ~T^{-1}:           rms(delta) <~ (ln T/T)^{1/4}, means <~ (ln T/T)^{1/2}, rms(eps) <~ 1
// "<~" hides constants, so a single run decides nothing: its rows show rms(delta) T^{1/8} and so on, `holds` null. A
// sweep does: the fitted exponent of the quantity against T.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::theory {

// The largest over sites of one run's perturbations; means are norms of conditional expectations.
struct PerturbationSizes {
  double delta_rms = 0;
  double delta_mean = 0;
  double eps_rms = 0;
  double eps_mean = 0;
};

// Four rows of (43), and four of (44) where `pl`. T >= 1; at T = 1 the rows of (44) have no value, as ln T = 0.
GRADQUAKE_EXPORT std::vector<Condition> exponent_conditions(const PerturbationSizes& sizes, std::int64_t T, bool pl);

// Least squares of ln y on ln T: slope, its standard error and the 95 % interval (Student's t, n - 2 degrees).
struct Exponent {
  double value = 0;
  double standard_error = 0;
  double low = 0;
  double high = 0;
};

// T, y: the same length >= 3, all positive; throws UserError otherwise.
GRADQUAKE_EXPORT Exponent fit_exponent(std::span<const double> T, std::span<const double> y);

// 97.5 % quantile of Student's t with `degrees` >= 1 degrees of freedom.
GRADQUAKE_EXPORT double student_quantile(int degrees);

// Probability that Student's t of that many degrees lies farther from 0 than `t`.
GRADQUAKE_EXPORT double student_two_sided(double t, int degrees);

// Half the width of the 95 % interval around the mean of `count` >= 2 independent values, whose squared distances from
// it add up to `squares`.
GRADQUAKE_EXPORT double mean_half_width(double squares, std::size_t count);

}  // namespace gradquake::theory
