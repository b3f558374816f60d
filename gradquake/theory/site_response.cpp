#include "gradquake/theory/site_response.h"

#include <cmath>

#include "gradquake/theory/sharp_gains.h"
#include "gradquake/theory/uniform_coefficients.h"

namespace gradquake::theory {
namespace {

double column_product(const Gains& a, const Gains& b, std::size_t column) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i][column] * b[i][column];
  return sum;
}

struct Shape {
  double mean_fraction = 0;  // mean_squared / second_moment
  double kurtosis = 3;       // fourth_moment / second_moment^2
};

Shape shape_of(const ForwardMoments& moments) {
  if (moments.second_moment == 0) return {};
  return {moments.mean_squared / moments.second_moment,
          moments.fourth_moment / (moments.second_moment * moments.second_moment)};
}

double mean_fraction(const BackwardMoments& moments) {
  return moments.second_moment == 0 ? 0 : moments.mean_squared / moments.second_moment;
}

// An infinite coefficient times a vanishing moment adds nothing.
double scaled(double coefficient, double factor) { return factor == 0 ? 0 : coefficient * factor; }

}  // namespace

std::vector<SiteResponse> site_responses(const Constants& constants, Variant variant) {
  const std::size_t sites = static_cast<std::size_t>(constants.operators) - 1;
  const bool sharp = variant == Variant::kSharp;
  const SharpGains gains = sharp ? sharp_gains(constants.per_operator) : SharpGains{};
  const SecondMomentCoefficients Ce =
      sharp ? SecondMomentCoefficients{} : second_moment_coefficients(*constants.uniform, constants.operators, variant);
  const BiasCoefficients Cb =
      sharp ? BiasCoefficients{} : bias_coefficients(*constants.uniform, constants.operators, variant);

  std::vector<SiteResponse> responses;
  for (std::size_t j = 0; j < sites; ++j) {
    const ForwardMoments moments = constants.delta.empty() ? ForwardMoments{} : constants.delta[j];
    const Shape shape = shape_of(moments);
    SiteResponse one{.direction = "forward", .index = static_cast<int>(j) + 1};
    one.magnitude = std::sqrt(moments.second_moment);
    one.frequency = moments.frequency;
    if (sharp) {
      one.energy = column_product(gains.delta_rms, gains.delta_rms, j);
      one.mean = scaled(column_product(gains.delta_mean, gains.delta_mean, j), shape.mean_fraction);
      one.cross = scaled(column_product(gains.delta_mean, gains.delta_curvature, j), std::sqrt(shape.mean_fraction));
      one.spread = column_product(gains.delta_curvature, gains.delta_curvature, j) / 4;
    } else {
      one.energy = Ce.delta[j];
      one.mean = scaled(Cb.delta_mean[j], shape.mean_fraction);
      one.spread = scaled(Cb.delta_fourth[j], shape.kurtosis);
    }
    responses.push_back(one);
  }
  for (std::size_t j = 0; j < sites; ++j) {
    const BackwardMoments moments = constants.eps.empty() ? BackwardMoments{} : constants.eps[j];
    SiteResponse one{.direction = "backward", .index = static_cast<int>(j) + 2};
    one.magnitude = std::sqrt(moments.second_moment);
    one.frequency = moments.frequency;
    one.energy = sharp ? column_product(gains.eps_rms, gains.eps_rms, j) : Ce.eps[j];
    one.mean = scaled(sharp ? one.energy : Cb.eps_mean[j], mean_fraction(moments));
    responses.push_back(one);
  }
  return responses;
}

}  // namespace gradquake::theory
