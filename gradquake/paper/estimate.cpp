#include "gradquake/paper/estimate.h"

#include <cmath>
#include <limits>

#include "gradquake/theory/exponents.h"

namespace gradquake::paper {

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}

Estimate mean_of(const std::vector<double>& values) {
  Estimate estimate{0, kNan, kNan, 0};
  double squares = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    ++estimate.seeds;
    const double before = estimate.value;
    estimate.value += (value - before) / static_cast<double>(estimate.seeds);
    squares += (value - before) * (value - estimate.value);
  }
  if (estimate.seeds == 0) estimate.value = kNan;
  if (estimate.seeds < 2) return estimate;
  const double half = theory::mean_half_width(squares, estimate.seeds);
  estimate.low = estimate.value - half;
  estimate.high = estimate.value + half;
  return estimate;
}

double log_slope(const std::vector<double>& x, const std::vector<double>& y) {
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] > 0) || !(y[i] > 0)) return kNan;
    const double u = std::log(x[i]), v = std::log(y[i]);
    sx += u, sy += v, sxx += u * u, sxy += u * v;
  }
  const auto n = static_cast<double>(x.size());
  return x.size() < 2 ? kNan : (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

PlateauFit fit_plateau(const std::vector<double>& gammas, const std::vector<double>& levels) {
  // Rows (1, gamma) / n^2, right side 1.
  double a = 0, b = 0, c = 0, p = 0, q = 0;
  for (std::size_t i = 0; i < gammas.size(); ++i) {
    const double u = 1 / (levels[i] * levels[i]), v = gammas[i] * u;
    a += u * u, b += u * v, c += v * v, p += u, q += v;
  }
  const double determinant = a * c - b * b;
  PlateauFit fit{(c * p - b * q) / determinant, (a * q - b * p) / determinant};
  if (!(fit.plateau > 0)) fit = {0, q / c};
  fit.plateau = std::sqrt(fit.plateau);
  return fit;
}

double first_crossing(const std::vector<double>& x, const std::vector<double>& y, double target) {
  if (x.empty() || y.front() == target) return x.empty() ? kNan : x.front();
  const bool above = y.front() > target;
  for (std::size_t i = 1; i < x.size(); ++i) {
    if ((y[i] > target) == above) continue;
    const double share = std::log(target / y[i - 1]) / std::log(y[i] / y[i - 1]);
    return std::exp(std::log(x[i - 1]) + share * std::log(x[i] / x[i - 1]));
  }
  return kNan;
}

}  // namespace gradquake::paper
