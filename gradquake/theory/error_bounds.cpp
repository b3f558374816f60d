#include "gradquake/theory/error_bounds.h"

#include <cmath>

#include "gradquake/theory/sharp_gains.h"
#include "gradquake/theory/square.h"
#include "gradquake/theory/uniform_coefficients.h"

namespace gradquake::theory {
namespace {

// An infinite coefficient does not amplify a perturbation that is not there.
SiteTerm term(int index, double coefficient, double moment) {
  return {index, coefficient, moment, moment == 0 ? 0 : coefficient * moment};
}

double sum(const std::vector<SiteTerm>& terms) {
  double total = 0;
  for (const SiteTerm& one : terms) total += one.value;
  return total;
}

double column_energy(const Gains& gains, std::size_t column) {
  double energy = 0;
  for (const std::vector<double>& row : gains) energy += square(row[column]);
  return energy;
}

std::string missing(Variant variant) {
  switch (variant) {
    case Variant::kSharp:
      return "per_operator constants are absent";
    case Variant::kMeasured:
      return "no gradient error was measured";
    default:
      return "uniform constants are absent";
  }
}

bool has_constants(const Constants& constants, Variant variant) {
  switch (variant) {
    case Variant::kSharp:
      return !constants.per_operator.empty();
    case Variant::kMeasured:
      return constants.measured.has_value();
    default:
      return constants.uniform.has_value();
  }
}

template <class Bound>
Outcome<Bound> finite(Bound bound) {
  if (!std::isfinite(bound.value)) return {std::nullopt, "the bound exceeds the range of double"};
  return {std::move(bound), ""};
}

SecondMomentBound uniform_second_moment(const Constants& constants, Variant variant) {
  const SecondMomentCoefficients C = second_moment_coefficients(*constants.uniform, constants.operators, variant);
  SecondMomentBound bound{.variant = variant, .equation = "(13),(21)"};
  for (std::size_t j = 0; j < constants.delta.size(); ++j) {
    const ForwardMoments& delta = constants.delta[j];
    bound.delta.push_back(term(static_cast<int>(j) + 1, C.delta[j], delta.frequency * delta.second_moment));
  }
  for (std::size_t j = 0; j < constants.eps.size(); ++j) {
    const BackwardMoments& eps = constants.eps[j];
    bound.eps.push_back(term(static_cast<int>(j) + 2, C.eps[j], eps.frequency * eps.second_moment));
  }
  bound.value = sum(bound.delta) + sum(bound.eps);
  return bound;
}

SecondMomentBound sharp_second_moment(const Constants& constants) {
  const SharpGains gains = sharp_gains(constants.per_operator);
  SecondMomentBound bound{.variant = Variant::kSharp, .equation = "(13), per-operator recursions"};
  for (std::size_t j = 0; j < constants.delta.size(); ++j) {
    const ForwardMoments& delta = constants.delta[j];
    bound.delta.push_back(
        term(static_cast<int>(j) + 1, column_energy(gains.delta_rms, j), delta.frequency * delta.second_moment));
  }
  for (std::size_t j = 0; j < constants.eps.size(); ++j) {
    const BackwardMoments& eps = constants.eps[j];
    bound.eps.push_back(
        term(static_cast<int>(j) + 2, column_energy(gains.eps_rms, j), eps.frequency * eps.second_moment));
  }
  for (std::size_t i = 0; i < constants.per_operator.size(); ++i) {
    double rms = 0;
    for (std::size_t j = 0; j < bound.delta.size(); ++j)
      rms += gains.delta_rms[i][j] * std::sqrt(bound.delta[j].moment);
    for (std::size_t j = 0; j < bound.eps.size(); ++j) rms += gains.eps_rms[i][j] * std::sqrt(bound.eps[j].moment);
    bound.value += square(rms);
  }
  bound.interaction = bound.value - sum(bound.delta) - sum(bound.eps);
  return bound;
}

BiasBound uniform_bias(const Constants& constants, Variant variant) {
  const BiasCoefficients C = bias_coefficients(*constants.uniform, constants.operators, variant);
  BiasBound bound{.variant = variant, .equation = "(23),(33)"};
  for (std::size_t j = 0; j < constants.delta.size(); ++j) {
    const ForwardMoments& delta = constants.delta[j];
    const int index = static_cast<int>(j) + 1;
    bound.delta_mean.push_back(term(index, C.delta_mean[j], delta.frequency * delta.mean_squared));
    bound.delta_spread.push_back(term(index, C.delta_fourth[j], delta.frequency * delta.fourth_moment));
  }
  for (std::size_t j = 0; j < constants.eps.size(); ++j) {
    const BackwardMoments& eps = constants.eps[j];
    bound.eps_mean.push_back(term(static_cast<int>(j) + 2, C.eps_mean[j], eps.frequency * eps.mean_squared));
  }
  bound.value = sum(bound.delta_mean) + sum(bound.delta_spread) + sum(bound.eps_mean);
  return bound;
}

BiasBound sharp_bias(const Constants& constants) {
  const SharpGains gains = sharp_gains(constants.per_operator);
  BiasBound bound{.variant = Variant::kSharp, .equation = "(23), expansion per operator"};
  for (std::size_t j = 0; j < constants.delta.size(); ++j) {
    const ForwardMoments& delta = constants.delta[j];
    const int index = static_cast<int>(j) + 1;
    bound.delta_mean.push_back(term(index, column_energy(gains.delta_mean, j), delta.frequency * delta.mean_squared));
    bound.delta_spread.push_back(
        term(index, column_energy(gains.delta_curvature, j) / 4, delta.frequency * square(delta.second_moment)));
  }
  for (std::size_t j = 0; j < constants.eps.size(); ++j) {
    const BackwardMoments& eps = constants.eps[j];
    bound.eps_mean.push_back(
        term(static_cast<int>(j) + 2, column_energy(gains.eps_rms, j), eps.frequency * eps.mean_squared));
  }
  for (std::size_t i = 0; i < constants.per_operator.size(); ++i) {
    double rms = 0;
    for (std::size_t j = 0; j < bound.delta_mean.size(); ++j) {
      rms += gains.delta_mean[i][j] * std::sqrt(bound.delta_mean[j].moment) +
             gains.delta_curvature[i][j] * std::sqrt(bound.delta_spread[j].moment) / 2;
    }
    for (std::size_t j = 0; j < bound.eps_mean.size(); ++j)
      rms += gains.eps_rms[i][j] * std::sqrt(bound.eps_mean[j].moment);
    bound.value += square(rms);
  }
  bound.interaction = bound.value - sum(bound.delta_mean) - sum(bound.delta_spread) - sum(bound.eps_mean);
  return bound;
}

}  // namespace

Outcome<SecondMomentBound> theorem1(const Constants& constants, Variant variant) {
  validate(constants);
  if (!has_constants(constants, variant)) return {std::nullopt, missing(variant)};
  switch (variant) {
    case Variant::kSharp:
      return finite(sharp_second_moment(constants));
    case Variant::kMeasured:
      return finite(SecondMomentBound{
          .variant = variant, .equation = "E||u~ - u||^2", .value = constants.measured->second_moment});
    default:
      return finite(uniform_second_moment(constants, variant));
  }
}

Outcome<BiasBound> theorem2(const Constants& constants, Variant variant) {
  validate(constants);
  if (!has_constants(constants, variant)) return {std::nullopt, missing(variant)};
  switch (variant) {
    case Variant::kSharp:
      return finite(sharp_bias(constants));
    case Variant::kMeasured:
      return finite(
          BiasBound{.variant = variant, .equation = "E||E_t[u~ - u]||^2", .value = constants.measured->bias_squared});
    default:
      return finite(uniform_bias(constants, variant));
  }
}

}  // namespace gradquake::theory
