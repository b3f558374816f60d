#include "gradquake/theory/local_prediction.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "gradquake/theory/check.h"

namespace gradquake::theory {
namespace {

constexpr char kEquation[] = "local: ||Delta|| ||T_m (I - gamma T_m)^k e_1||";
constexpr double kMadFactor = 4.45;  // three standard deviations of a normal variable, 3 * 1.4826

// The components of T_m (I - gamma T_m)^k e_1 in the eigenbasis, moved on one step at a time.
class LocalDescent {
 public:
  LocalDescent(const TridiagonalEigen& eigen, double displacement_norm, double gamma) {
    for (std::size_t i = 0; i < eigen.values.size(); ++i) {
      const double curvature = std::max(eigen.values[i], 0.0);
      components_.push_back(displacement_norm * curvature * eigen.first[i]);
      factors_.push_back(1 - gamma * curvature);
    }
  }

  double excess() const {
    double sum = 0;
    for (const double one : components_) sum += one * one;
    return std::sqrt(sum);
  }

  void step() {
    for (std::size_t i = 0; i < components_.size(); ++i) components_[i] *= factors_[i];
  }

 private:
  std::vector<double> components_;
  std::vector<double> factors_;
};

void require_band(const GradientBand& band) {
  require_nonnegative("level", band.level);
  require_nonnegative("mad", band.mad);
  require_positive("factor", band.factor);
  require(band.ewma > 0 && band.ewma <= 1, "ewma in (0, 1]", number(band.ewma));
  require(band.hold >= 1, "hold >= 1", std::to_string(band.hold));
}

}  // namespace

std::vector<double> excess_gradients(const Tridiagonal& T, double displacement_norm, double gamma, int count) {
  require_nonnegative("displacement norm", displacement_norm);
  require_nonnegative("step size", gamma);
  const TridiagonalEigen eigen = tridiagonal_eigen(T);
  require(eigen.converged, "a finite tridiagonal matrix", "inf or nan");
  LocalDescent descent(eigen, displacement_norm, gamma);
  std::vector<double> excess;
  for (int k = 0; k < count; ++k) {
    excess.push_back(descent.excess());
    descent.step();
  }
  return excess;
}

LocalPrediction local_prediction(const Tridiagonal& T, double displacement_norm, double gamma, const GradientBand& band,
                                 int limit) {
  require_nonnegative("step size", gamma);
  require_band(band);
  LocalPrediction prediction;
  prediction.steps.equation = kEquation;
  const TridiagonalEigen eigen = tridiagonal_eigen(T);
  if (!std::isfinite(displacement_norm) || !eigen.converged) {
    prediction.steps.reason = "the displacement or a Hessian product is not finite";
    return prediction;
  }
  LocalDescent descent(eigen, displacement_norm, gamma);
  prediction.lambda_max = eigen.values.empty() ? 0 : eigen.values.back();
  prediction.excess = descent.excess();
  prediction.overshoots = gamma * prediction.lambda_max > 2;

  const double edge = std::max(band.factor * band.level, band.level + kMadFactor * band.mad);
  double e = band.level;
  int in_band = 0;
  bool left = false;
  for (int k = 1; k <= limit; ++k) {
    e += band.ewma * (band.level + descent.excess() - e);
    descent.step();
    in_band = e <= edge ? in_band + 1 : 0;
    left = left || in_band == 0;
    if (in_band == band.hold) {
      prediction.steps.value = left ? k - band.hold + 1 : 0;
      return prediction;
    }
  }
  prediction.steps.reason = "not back in the band within " + std::to_string(limit) + " steps";
  if (prediction.overshoots)
    prediction.steps.reason += "; gamma lambda_max = " + number(gamma * prediction.lambda_max) + " > 2: overshoot";
  return prediction;
}

}  // namespace gradquake::theory
