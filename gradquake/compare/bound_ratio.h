// Measured over bound: how much of Theorem 1's worst case the probe's perturbations reach, one site and direction
// alone.
//
//   bound_ratio = A rows / C,  A = E||u~ - u||^2 / E||delta||^2 of the cell (or eps as stated per sample),
//                              C the coefficient of delta_j, or eps_j, in the sharp (13) (theory/sharp_gains.h)
//
// The bound is per sample. A batch's gradient is the mean of its samples', so by Jensen
// E||u~ - u||^2 <= (1/rows) sum over samples of C E||delta_r||^2 = C E||delta||^2 / rows: a ratio is at most 1. C comes
// from constants that are measured on the probe's own batches (measure/operator_constants.h); D is an estimate from
// below, so a ratio above 1 can be its fault.
//
// There is none, with the reason: where an operator has kinks (measure/kinks.h), parameters are not float64, the model
// is no chain of operators that treat samples apart (measure/stages.h), or the cell is blank.
#pragma once

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/probe.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::compare {

// Sets bound_ratio, or bound_reason, of every cell, at the weights of which they were probed: those of now.
GRADQUAKE_EXPORT void set_bound_ratios(const train::Task& task, const CompareConfig& config, Probe& probe);

}  // namespace gradquake::compare
