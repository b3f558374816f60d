#include "gradquake/theory/measured_error.h"

#include <cmath>
#include <string>
#include <vector>

#include "gradquake/theory/check.h"

namespace gradquake::theory {
namespace {

struct Sums {
  double diagonal = 0;
  double off_diagonal = 0;
};

double jackknife_error(const std::vector<double>& left_out, double mean) {
  const auto n = static_cast<double>(left_out.size());
  double sum = 0;
  for (const double one : left_out) sum += (one - mean) * (one - mean);
  return std::sqrt((n - 1) / n * sum);
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double one : values) sum += one;
  return sum / static_cast<double>(values.size());
}

}  // namespace

ErrorEstimate error_estimate(std::span<const double> gram, int repeats) {
  require(repeats >= 2, "at least 2 repeats", std::to_string(repeats));
  const auto R = static_cast<std::size_t>(repeats);
  require(gram.size() == R * R, std::to_string(R * R) + " inner products", std::to_string(gram.size()));
  Sums all;
  std::vector<Sums> of_repeat(R);  // what leaves with repeat r
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t s = 0; s < R; ++s) {
      const double product = gram[r * R + s];
      if (r == s) {
        all.diagonal += product;
        of_repeat[r].diagonal += product;
      } else {
        all.off_diagonal += product;
        of_repeat[r].off_diagonal += product;
        of_repeat[s].off_diagonal += product;
      }
    }
  }
  const double n = repeats;
  ErrorEstimate estimate;
  estimate.repeats = repeats;
  estimate.second_moment = all.diagonal / n;
  estimate.bias_squared = all.off_diagonal / (n * (n - 1));
  std::vector<double> second;
  std::vector<double> bias;
  for (const Sums& out : of_repeat) {
    second.push_back((all.diagonal - out.diagonal) / (n - 1));
    if (repeats > 2) bias.push_back((all.off_diagonal - out.off_diagonal) / ((n - 1) * (n - 2)));
  }
  estimate.second_moment_error = jackknife_error(second, mean_of(second));
  // Two repeats leave no pair when one goes out; the only pair is its own estimate.
  estimate.bias_squared_error = bias.empty() ? std::abs(estimate.bias_squared) : jackknife_error(bias, mean_of(bias));
  return estimate;
}

}  // namespace gradquake::theory
