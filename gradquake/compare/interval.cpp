#include "gradquake/compare/interval.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradquake/theory/exponents.h"

namespace gradquake::compare {
namespace {

// Half of the 95 % interval of a figure whose values without one draw each these are: Student's t times the jackknife's
// standard error.
double jackknife_half_width(const std::vector<double>& without) {
  const auto count = static_cast<double>(without.size());
  const double mean = std::accumulate(without.begin(), without.end(), 0.0) / count;
  double squares = 0;
  for (const double one : without) squares += (one - mean) * (one - mean);
  return theory::student_quantile(static_cast<int>(without.size()) - 1) * std::sqrt((count - 1) / count * squares);
}

}  // namespace

Interval ratio_of_sums(const std::vector<double>& a, const std::vector<double>& b) {
  const double sum_a = std::accumulate(a.begin(), a.end(), 0.0), sum_b = std::accumulate(b.begin(), b.end(), 0.0);
  if (sum_a == 0) return {};
  std::vector<double> without;  // ln of the ratio without one draw
  for (std::size_t k = 0; k < a.size(); ++k) without.push_back(std::log((sum_a - a[k]) / (sum_b - b[k])));
  const double factor = std::exp(jackknife_half_width(without));
  const double ratio = sum_a / sum_b;
  return {ratio, ratio / factor, ratio * factor};
}

std::optional<Interval> ratio_of_means(const std::vector<double>& a, const std::vector<double>& b) {
  const Interval below = mean_of(b);
  if (below.low <= 0 && below.high >= 0) return std::nullopt;
  const double sum_a = std::accumulate(a.begin(), a.end(), 0.0), sum_b = std::accumulate(b.begin(), b.end(), 0.0);
  std::vector<double> without;
  for (std::size_t k = 0; k < a.size(); ++k) without.push_back((sum_a - a[k]) / (sum_b - b[k]));
  const double half = jackknife_half_width(without);
  return Interval{sum_a / sum_b, sum_a / sum_b - half, sum_a / sum_b + half};
}

Interval mean_of(const std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double squares = 0;
  for (const double one : values) squares += (one - mean) * (one - mean);
  const double half = theory::mean_half_width(squares, values.size());
  return {mean, mean - half, mean + half};
}

double p_of_mean(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double one : values) squares += (one - mean) * (one - mean);
  const double error = std::sqrt(squares / (count - 1) / count);
  if (mean == 0 || error == 0) return mean == 0 ? 1 : 0;
  return theory::student_two_sided(mean / error, static_cast<int>(values.size()) - 1);
}

Interval power_of(const Interval& x, double power, double factor) {
  const auto value = [&](double one) { return factor * std::pow(one, power); };
  Interval result{value(x.estimate), value(x.low), value(x.high)};
  if (result.low > result.high) std::swap(result.low, result.high);
  return result;
}

}  // namespace gradquake::compare
