#include "gradquake/paper/metrics.h"

#include <numeric>

namespace gradquake::paper {

std::vector<double> moving_average(const std::vector<double>& norms, double weight) {
  std::vector<double> averages(norms.size());
  for (std::size_t t = 0; t < norms.size(); ++t)
    averages[t] = t == 0 ? norms[0] : (1 - weight) * averages[t - 1] + weight * norms[t];
  return averages;
}

double stable_norm(const std::vector<double>& averages) {
  const std::size_t half = averages.size() / 2;
  return std::accumulate(averages.end() - static_cast<std::ptrdiff_t>(half), averages.end(), 0.0) /
         static_cast<double>(half);
}

std::optional<std::int64_t> stable_iteration(const std::vector<double>& averages, double stable) {
  for (std::size_t t = 0; t < averages.size(); ++t)
    if (averages[t] < 1.5 * stable) return static_cast<std::int64_t>(t);
  return std::nullopt;
}

}  // namespace gradquake::paper
