#include "gradquake/paper/appendix.h"

#include <cmath>

namespace gradquake::paper {

double sigmoid_derivative(double y) {
  const double e = std::exp(-std::fabs(y));
  return e / ((1 + e) * (1 + e));
}

double perturbed_descent(double x, double delta, double gamma, int steps) {
  for (int t = 0; t < steps; ++t) x -= gamma * 2 * (x + delta);
  return x;
}

std::vector<double> compressed_descent(const CompressorExample& e, int steps) {
  double w[2] = {e.start[0], e.start[1]}, before[2] = {w[0], w[1]};
  std::vector<double> norms = {std::hypot(w[0], w[1])};
  for (int t = 0; t < steps && norms.back() < 1e100; ++t) {
    double v[2] = {e.a * w[0] + e.b * w[1], e.c * w[0] + e.d * w[1]};
    if (e.top1) v[std::fabs(v[0]) >= std::fabs(v[1]) ? 1 : 0] = 0;
    const double u[2] = {e.a * v[0] + e.c * v[1], e.b * v[0] + e.d * v[1]};
    for (int i = 0; i < 2; ++i) {
      const double next = w[i] - e.gamma * u[i] + e.beta * (w[i] - before[i]);
      before[i] = w[i];
      w[i] = next;
    }
    norms.push_back(std::hypot(w[0], w[1]));
  }
  return norms;
}

Ending ending_of(const std::vector<double>& norms) {
  if (!(norms.back() < 1e9 * norms.front())) return Ending::kDiverges;
  return norms.back() < 1e-9 * norms.front() ? Ending::kConverges : Ending::kNeither;
}

}  // namespace gradquake::paper
