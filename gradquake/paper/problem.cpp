#include "gradquake/paper/problem.h"

#include <cmath>

#include "gradquake/core/seeds.h"
#include "gradquake/data/synthetic_logistic.h"

namespace gradquake::paper {
namespace {

double activation(const Problem& problem, std::size_t sample, const std::vector<double>& w) {
  const double* const row = problem.row(sample);
  double x = 0;
  for (std::size_t j = 0; j < problem.features; ++j) x += row[j] * w[j];
  return x;
}

double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

}  // namespace

double Regularizer::loss(const std::vector<double>& w) const {
  double sum = 0;
  for (const double value : w)
    sum += kind == RegularizerKind::kL2 ? value * value : value * value / (1 + value * value);
  return weight * sum;
}

double Regularizer::second_derivative(double w) const {
  if (kind == RegularizerKind::kL2) return 2 * weight;
  const double square = 1 + w * w;
  return 2 * weight * (1 - 3 * w * w) / (square * square * square);
}

Problem make_problem(std::size_t samples, std::size_t features, std::uint64_t run_seed) {
  const data::SyntheticLogistic data = data::make_synthetic_logistic(
      static_cast<std::int64_t>(samples), static_cast<std::int64_t>(features), named_seed(run_seed, "data.synthetic"));
  Problem problem;
  problem.samples = samples;
  problem.features = features;
  problem.mean_row.assign(features, 0);
  const std::size_t padded = (samples + kBlock - 1) / kBlock * kBlock;
  problem.rows.assign(padded * features, 0);
  problem.columns.assign(padded * features, 0);
  for (std::size_t l = 0; l < samples; ++l) {
    for (std::size_t j = 0; j < features; ++j) {
      const double a = -data.labels[l] * data.features[l * features + j];
      problem.rows[l * features + j] = a;
      problem.columns[j * padded + l] = a;
      problem.mean_row[j] += a / static_cast<double>(samples);
    }
  }
  return problem;
}

Problem make_problem(const Settings& settings, std::int64_t seed) {
  return make_problem(static_cast<std::size_t>(settings.samples), static_cast<std::size_t>(settings.features),
                      static_cast<std::uint64_t>(seed));
}

double loss(const Problem& problem, const Regularizer& regularizer, const std::vector<double>& w) {
  double sum = 0;
  for (std::size_t l = 0; l < problem.samples; ++l) sum += softplus(activation(problem, l, w));
  return sum / static_cast<double>(problem.samples) + regularizer.loss(w);
}

std::vector<double> gradient(const Problem& problem, const Regularizer& regularizer, const std::vector<double>& w) {
  std::vector<double> sum(problem.features, 0);
  for (std::size_t l = 0; l < problem.samples; ++l) {
    const double s = 1 / (1 + std::exp(-activation(problem, l, w)));
    for (std::size_t j = 0; j < problem.features; ++j) sum[j] += problem.row(l)[j] * s;
  }
  for (std::size_t j = 0; j < problem.features; ++j)
    sum[j] = sum[j] / static_cast<double>(problem.samples) + regularizer.gradient(w[j]);
  return sum;
}

double norm(const std::vector<double>& vector) {
  double sum = 0;
  for (const double value : vector) sum += value * value;
  return std::sqrt(sum);
}

}  // namespace gradquake::paper
