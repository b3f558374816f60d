// A figure with its 95 % interval.
#pragma once

#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::compare {

struct Interval {
  double estimate = 0;
  double low = 0, high = 0;
};

// sum a / sum b over draws (a_k, b_k) that are independent of each other, a >= 0, b > 0: the interval lies around the
// logarithm. From 8 draws on it is the bootstrap's of Student's t (Efron 1981: the quantiles of the studentised ratio
// of resamples, which follow its skewness; always the same resamples); of fewer Student's t with K - 1 degrees and the
// jackknife's standard error. All 0 where every a is 0. Needs two draws.
GRADQUAKE_EXPORT Interval ratio_of_sums(const std::vector<double>& a, const std::vector<double>& b);

// The same where a may have any sign: around the ratio itself.
GRADQUAKE_EXPORT Interval ratio_to_mean(const std::vector<double>& a, const std::vector<double>& b);

// The same where a and b may have any sign: the ratio of their means, the interval around itself. Empty where the mean
// of b is not surely another than 0.
GRADQUAKE_EXPORT std::optional<Interval> ratio_of_means(const std::vector<double>& a, const std::vector<double>& b);

// The mean of independent values, Student's t around it. Needs two.
GRADQUAKE_EXPORT Interval mean_of(const std::vector<double>& values);

// Probability that the mean of such values lies as far from 0 as theirs does where the true one is 0: Student's t, two
// sided. 1 where the mean is 0; 0 where all are one other number.
GRADQUAKE_EXPORT double p_of_mean(const std::vector<double>& values);

// The figure f(x) = factor * x^power of an interval of positive numbers; where power < 0 low and high change places.
GRADQUAKE_EXPORT Interval power_of(const Interval& x, double power, double factor = 1);

}  // namespace gradquake::compare
