#include "gradquake/compare/interval.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <random>
#include <utility>

#include "gradquake/theory/exponents.h"

namespace gradquake::compare {
namespace {

// The jackknife's standard error of a figure whose values without one draw each these are.
double jackknife_error(const std::vector<double>& without) {
  const auto count = static_cast<double>(without.size());
  const double mean = std::accumulate(without.begin(), without.end(), 0.0) / count;
  double squares = 0;
  for (const double one : without) squares += (one - mean) * (one - mean);
  return std::sqrt((count - 1) / count * squares);
}

// Half of the 95 % interval: Student's t times it.
double jackknife_half_width(const std::vector<double>& without) {
  return theory::student_quantile(static_cast<int>(without.size()) - 1) * jackknife_error(without);
}

// The ratio of sums without one draw each.
std::vector<double> ratios_without(const std::vector<double>& a, const std::vector<double>& b) {
  const double sum_a = std::accumulate(a.begin(), a.end(), 0.0), sum_b = std::accumulate(b.begin(), b.end(), 0.0);
  std::vector<double> without;
  for (std::size_t k = 0; k < a.size(); ++k) without.push_back((sum_a - a[k]) / (sum_b - b[k]));
  return without;
}

// A ratio of sums and its standard error, linearised: of the values a_k - ratio * b_k.
struct Ratio {
  double value, error;
};

Ratio ratio_at(const std::vector<double>& a, const std::vector<double>& b, const std::vector<std::size_t>& picked) {
  double sum_a = 0, sum_b = 0, aa = 0, ab = 0, bb = 0;
  for (const std::size_t k : picked) {
    sum_a += a[k];
    sum_b += b[k];
    aa += a[k] * a[k];
    ab += a[k] * b[k];
    bb += b[k] * b[k];
  }
  const double value = sum_a / sum_b, count = static_cast<double>(picked.size());
  const double squares = std::max(aa - 2 * value * ab + value * value * bb, 0.0);
  return {value, std::sqrt(squares * count / (count - 1)) / std::abs(sum_b)};
}

constexpr std::size_t kFewest = 8;  // draws for a bootstrap; of fewer, too many resamples are one value
constexpr std::size_t kResamples = 999;

// The 2.5 % and 97.5 % points of (f(ratio of a resample) - f(ratio)) / its own error, f the identity or the logarithm:
// what Student's t is for values that are Gaussian, and what stands for it where resamples tell nothing. The resamples
// are the same for every figure.
std::pair<double, double> quantiles_of(const std::vector<double>& a, const std::vector<double>& b, double ratio,
                                       bool logarithmic) {
  const double t = theory::student_quantile(static_cast<int>(a.size()) - 1);
  if (a.size() < kFewest) return {-t, t};
  std::mt19937_64 generator(20260220646);
  std::vector<std::size_t> picked(a.size());
  std::vector<double> found;
  for (std::size_t r = 0; r < kResamples; ++r) {
    for (std::size_t& one : picked) one = generator() % a.size();
    const Ratio again = ratio_at(a, b, picked);
    const double difference = logarithmic ? again.value * std::log(again.value / ratio) : again.value - ratio;
    if (again.error > 0 && std::isfinite(difference)) found.push_back(difference / again.error);
  }
  if (found.size() < kResamples / 2) return {-t, t};
  std::sort(found.begin(), found.end());
  const auto at = [&found](double share) {
    return found[static_cast<std::size_t>(std::lround(share * static_cast<double>(found.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

Interval ratio_of_sums(const std::vector<double>& a, const std::vector<double>& b) {
  const double sum_a = std::accumulate(a.begin(), a.end(), 0.0), sum_b = std::accumulate(b.begin(), b.end(), 0.0);
  if (sum_a == 0) return {};
  const double ratio = sum_a / sum_b;
  std::vector<double> logarithms = ratios_without(a, b);
  for (double& one : logarithms) one = std::log(one);
  const double error = jackknife_error(logarithms);
  const auto [low, high] = quantiles_of(a, b, ratio, true);
  return {ratio, ratio * std::exp(-high * error), ratio * std::exp(-low * error)};
}

Interval ratio_to_mean(const std::vector<double>& a, const std::vector<double>& b) {
  const double ratio = std::accumulate(a.begin(), a.end(), 0.0) / std::accumulate(b.begin(), b.end(), 0.0);
  const double error = jackknife_error(ratios_without(a, b));
  const auto [low, high] = quantiles_of(a, b, ratio, false);
  return {ratio, ratio - high * error, ratio - low * error};
}

std::optional<Interval> ratio_of_means(const std::vector<double>& a, const std::vector<double>& b) {
  const Interval below = mean_of(b);
  if (below.low <= 0 && below.high >= 0) return std::nullopt;
  const double sum_a = std::accumulate(a.begin(), a.end(), 0.0), sum_b = std::accumulate(b.begin(), b.end(), 0.0);
  const double half = jackknife_half_width(ratios_without(a, b));
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
