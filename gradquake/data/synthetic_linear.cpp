#include "gradquake/data/synthetic_linear.h"

#include <cmath>

#include "gradquake/data/random.h"

namespace gradquake::data {

SyntheticLinear make_synthetic_linear(std::int64_t samples, std::int64_t features, std::int64_t outputs, double noise,
                                      std::uint64_t seed) {
  const auto rows = static_cast<std::size_t>(samples), inputs = static_cast<std::size_t>(features),
             columns = static_cast<std::size_t>(outputs);
  RandomStream weights(seed, 0), samples_of(seed, 1), errors(seed, 2);
  std::vector<double> W(inputs * columns);
  SyntheticLinear problem;
  problem.features.resize(rows * inputs);
  problem.targets.resize(rows * columns);
  for (double& value : W) value = weights.normal();
  for (double& value : problem.features) value = samples_of.normal();
  const double scale = std::sqrt(static_cast<double>(features));
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t k = 0; k < columns; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < inputs; ++i) sum += problem.features[row * inputs + i] * W[i * columns + k];
      problem.targets[row * columns + k] = sum / scale + noise * errors.normal();
    }
  }
  return problem;
}

}  // namespace gradquake::data
