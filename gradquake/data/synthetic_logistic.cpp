#include "gradquake/data/synthetic_logistic.h"

#include "gradquake/data/random.h"

namespace gradquake::data {

SyntheticLogistic make_synthetic_logistic(std::int64_t samples, std::int64_t features, std::uint64_t seed) {
  const auto rows = static_cast<std::size_t>(samples), columns = static_cast<std::size_t>(features);
  SyntheticLogistic problem;
  problem.solution.resize(columns);
  problem.features.resize(rows * columns);
  problem.labels.resize(rows);

  RandomStream solution(seed, 0), inputs(seed, 1), coins(seed, 2);
  for (double& value : problem.solution) value = solution.normal();
  for (double& value : problem.features) value = inputs.normal();
  for (std::size_t row = 0; row < rows; ++row) {
    double logit = 0;
    for (std::size_t i = 0; i < columns; ++i) logit += problem.features[row * columns + i] * problem.solution[i];
    problem.labels[row] = coins.coin(logit) ? 1.0 : -1.0;
  }
  return problem;
}

}  // namespace gradquake::data
