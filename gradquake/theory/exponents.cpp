#include "gradquake/theory/exponents.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <string>

#include "gradquake/theory/check.h"

namespace gradquake::theory {
namespace {

constexpr char kNote[] = "a single run has no exponent; a sweep over T decides";

Condition row(const std::string& name, const std::string& equation, std::optional<double> value) {
  return {.name = name,
          .equation = equation,
          .variant = "printed",
          .value = value,
          .threshold = {},
          .margin = {},
          .holds = {},
          .note = kNote};
}

}  // namespace

std::vector<Condition> exponent_conditions(const PerturbationSizes& sizes, std::int64_t T, bool pl) {
  require(T >= 1, "T >= 1", std::to_string(T));
  require_nonnegative("rms of delta", sizes.delta_rms);
  require_nonnegative("mean of delta", sizes.delta_mean);
  require_nonnegative("rms of eps", sizes.eps_rms);
  require_nonnegative("mean of eps", sizes.eps_mean);
  const auto t = static_cast<double>(T);
  std::vector<Condition> rows{
      row("rms(delta) T^(1/8)", "(43)", sizes.delta_rms * std::pow(t, 0.125)),
      row("mean(delta) T^(1/4)", "(43)", sizes.delta_mean * std::pow(t, 0.25)),
      row("rms(eps)", "(43)", sizes.eps_rms),
      row("mean(eps) T^(1/4)", "(43)", sizes.eps_mean * std::pow(t, 0.25)),
  };
  if (pl) {
    const double rate = std::log(t) / t;
    const auto over = [&](double size, double power) -> std::optional<double> {
      if (T == 1) return std::nullopt;
      return size / std::pow(rate, power);
    };
    rows.push_back(row("rms(delta) (T/ln T)^(1/4)", "(44)", over(sizes.delta_rms, 0.25)));
    rows.push_back(row("mean(delta) (T/ln T)^(1/2)", "(44)", over(sizes.delta_mean, 0.5)));
    rows.push_back(row("rms(eps)", "(44)", sizes.eps_rms));
    rows.push_back(row("mean(eps) (T/ln T)^(1/2)", "(44)", over(sizes.eps_mean, 0.5)));
  }
  return rows;
}

double student_quantile(int degrees) {
  require(degrees >= 1, "degrees of freedom >= 1", std::to_string(degrees));
  return boost::math::quantile(boost::math::students_t(degrees), 0.975);
}

double student_two_sided(double t, int degrees) {
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), std::abs(t)));
}

double mean_half_width(double squares, std::size_t count) {
  const auto n = static_cast<double>(count);
  return student_quantile(static_cast<int>(count) - 1) * std::sqrt(squares / (n - 1) / n);
}

Exponent fit_exponent(std::span<const double> T, std::span<const double> y) {
  require(T.size() == y.size() && T.size() >= 3, "as many values as horizons, at least 3",
          std::to_string(T.size()) + " horizons and " + std::to_string(y.size()) + " values");
  const auto n = static_cast<double>(T.size());
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < T.size(); ++i) {
    require_positive("T", T[i]);
    require_positive("value", y[i]);
    mean_x += std::log(T[i]) / n;
    mean_y += std::log(y[i]) / n;
  }
  double xx = 0;
  double xy = 0;
  for (std::size_t i = 0; i < T.size(); ++i) {
    xx += (std::log(T[i]) - mean_x) * (std::log(T[i]) - mean_x);
    xy += (std::log(T[i]) - mean_x) * (std::log(y[i]) - mean_y);
  }
  require_positive("spread of ln T", xx);
  Exponent fit;
  fit.value = xy / xx;
  double residual = 0;
  for (std::size_t i = 0; i < T.size(); ++i) {
    const double error = std::log(y[i]) - mean_y - fit.value * (std::log(T[i]) - mean_x);
    residual += error * error;
  }
  fit.standard_error = std::sqrt(residual / (n - 2) / xx);
  const double half = student_quantile(static_cast<int>(T.size()) - 2) * fit.standard_error;
  fit.low = fit.value - half;
  fit.high = fit.value + half;
  return fit;
}

}  // namespace gradquake::theory
