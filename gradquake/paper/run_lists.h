// Which runs each figure and sweep is made of. A run may belong to several; it is made once.
#pragma once

#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/run_spec.h"

namespace gradquake::paper {

inline constexpr int kFirstFigure = 3, kLastFigure = 8;

// figure 3: trajectories, non-convex, the largest sigma, forward and backward: a part of figure 4's
// figure 4: non-convex, zero-mean every step, forward and backward; 5: the same with l2
// figure 6: non-convex, biased, backward, every step
// figure 7: non-convex, zero-mean forward every interval steps; 8: the same with l2 of the intermittent runs' rho
GRADQUAKE_EXPORT std::vector<RunSpec> figure_runs(const Settings& settings, int figure);

// The unperturbed runs beside the figures; beside one of them where `figure` is given.
GRADQUAKE_EXPORT std::vector<RunSpec> standard_runs(const Settings& settings, std::optional<int> figure = {});

// gamma = c/sqrt(T): standard, zero-mean backward and forward, both regularisers, one draw a step.
GRADQUAKE_EXPORT std::vector<RunSpec> coupled_runs(const Settings& settings);

// Table 1: occurrences at even distances, interval 1, 2, 4, ... up to T/4 and 1024, forward and backward, zero-mean and
// biased, and the unperturbed run of each T; non-convex with gamma ~ T^-1/2, l2 with gamma ~ ln(T)/T.
GRADQUAKE_EXPORT std::vector<RunSpec> table1_runs(const Settings& settings);
GRADQUAKE_EXPORT std::vector<std::int64_t> table1_intervals(std::int64_t T);  // ascending
GRADQUAKE_EXPORT double table1_sigma(const Settings& settings, const Regularizer& regularizer);
GRADQUAKE_EXPORT double table1_step_size(const Settings& settings, const Regularizer& regularizer, std::int64_t T);

GRADQUAKE_EXPORT Regularizer nonconvex(const Settings& settings);
GRADQUAKE_EXPORT Regularizer strongly_convex(const Settings& settings);

}  // namespace gradquake::paper
