#include "gradquake/theory/budget.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "gradquake/theory/check.h"
#include "gradquake/theory/convergence.h"
#include "gradquake/theory/site_response.h"

namespace gradquake::theory {
namespace {

std::string equation(Guarantee guarantee) { return guarantee == Guarantee::kNonconvex ? "(34)" : "(38)"; }

// The two sides of a budget at one step size. Perturbation terms are linear in e2 and b2.
struct Balance {
  double optimization = 0;
  double per_energy = 0;  // factor of e2
  double per_bias = 0;    // factor of b2

  double perturbation(double e2, double b2) const { return per_energy * e2 + per_bias * b2; }
};

Balance balance(const Constants& constants, Guarantee guarantee, double gamma, Variant variant) {
  const double L = *constants.smoothness;
  const double sigma2 = *constants.gradient_variance;
  const auto T = static_cast<double>(*constants.steps);
  if (guarantee == Guarantee::kNonconvex)  // (34)
    return {6 * *constants.initial_gap / (gamma * T) + 6 * L * gamma * sigma2, 6 * L * gamma, 3};
  const double contraction = *constants.pl * gamma / 3;  // (38)
  const double log_decay = T * std::log1p(-contraction);
  double weights = -std::expm1(log_decay) / contraction;
  if (variant == Variant::kPrinted)  // rho^{T-t}
    weights *= 1 - contraction;
  return {std::exp(log_decay) * *constants.initial_gap + 3 * L * gamma * sigma2 / *constants.pl,
          L * gamma * gamma * weights, gamma * weights / 2};
}

// Empty where every constant that a budget needs is there and gamma <= 1/(3 L). theorem3 and theorem5 know.
std::string missing(const Constants& constants, Variant variant, Guarantee guarantee) {
  if (guarantee == Guarantee::kPl && !constants.pl) return "pl is absent";
  Constants quiet = constants;
  quiet.delta.clear();
  quiet.eps.clear();
  return theorem3(quiet, variant).reason;
}

std::vector<Budget> refused(const Constants& constants, Variant variant, Guarantee guarantee,
                            const std::string& reason) {
  std::vector<Budget> budgets;
  for (int j = 1; j < constants.operators; ++j)
    budgets.push_back({"forward", j, equation(guarantee), variant, std::nullopt, reason});
  for (int i = 2; i <= constants.operators; ++i)
    budgets.push_back({"backward", i, equation(guarantee), variant, std::nullopt, reason});
  return budgets;
}

// The largest s >= 0 with rising(s) <= limit, for a rising function with rising(0) = 0; infinite where there is none.
double last_below(const std::function<double(double)>& rising, double limit) {
  double high = 1;
  while (rising(high) <= limit) {
    high *= 2;
    if (high > 1e150) return INFINITY;
  }
  double low = 0;
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    (rising(middle) <= limit ? low : high) = middle;
  }
  return low;
}

// The number of final steps whose weights rho^0 + rho^1 + ... add up to at most `total`, at most T.
double occurrences_at_the_end(double total, double rho, double T) {
  const double room = 1 - total * (1 - rho);
  if (room <= 0) return T;
  return std::min(T, std::floor(std::log(room) / std::log(rho) * (1 + 1e-12)));
}

// The end of the interval (0, 1/(3 L)] up to which the perturbation terms stay below the optimisation terms.
Budget largest_step_size(const Constants& constants, Variant variant, Guarantee guarantee, double e2, double b2) {
  Budget budget{.equation = equation(guarantee), .variant = variant};
  const double limit = 1 / (3 * *constants.smoothness);
  const auto within = [&](double gamma) {
    const Balance sides = balance(constants, guarantee, gamma, variant);
    return sides.perturbation(e2, b2) <= sides.optimization;
  };
  constexpr int kGrid = 4096;
  constexpr double kSmallest = 1e-12;  // of the limit
  double low = 0;
  for (int i = 0; i <= kGrid; ++i) {
    double high = limit * std::pow(kSmallest, 1 - static_cast<double>(i) / kGrid);
    if (within(high)) {
      low = high;
      continue;
    }
    for (int halving = 0; halving < 100; ++halving) {
      const double middle = low + (high - low) / 2;
      (within(middle) ? low : high) = middle;
    }
    budget.value = low;
    if (low == 0) {
      budget.value.reset();
      budget.reason = "no step size: the perturbation terms outgrow the optimisation terms at every one";
    }
    return budget;
  }
  budget.value = limit;
  budget.reason = "limited by 1/(3 L)";
  return budget;
}

}  // namespace

std::vector<Budget> magnitude_budgets(const Constants& constants, Variant variant, Guarantee guarantee,
                                      double frequency) {
  validate(constants);
  require(frequency > 0 && frequency <= 1, "a frequency in (0, 1]", number(frequency));
  std::string reason = missing(constants, variant, guarantee);
  if (variant == Variant::kMeasured) reason = "a measured error does not say how it grows with the magnitude";
  std::vector<Budget> budgets = refused(constants, variant, guarantee, reason);
  if (!reason.empty()) return budgets;
  const Balance sides = balance(constants, guarantee, *constants.step_size, variant);
  const std::vector<SiteResponse> responses = site_responses(constants, variant);
  for (std::size_t n = 0; n < responses.size(); ++n) {
    const SiteResponse& site = responses[n];
    const double largest = last_below(
        [&](double s) { return frequency * sides.perturbation(site.second_moment(s), site.bias_squared(s)); },
        sides.optimization);
    if (std::isfinite(largest))
      budgets[n].value = largest;
    else
      budgets[n].reason = "unlimited: the perturbation has no effect";
  }
  return budgets;
}

std::vector<Budget> occurrence_budgets(const Constants& constants, Variant variant, Guarantee guarantee) {
  validate(constants);
  std::string reason = missing(constants, variant, guarantee);
  if (variant == Variant::kMeasured) reason = "the measured error is not split by site";
  std::vector<Budget> budgets = refused(constants, variant, guarantee, reason);
  if (!reason.empty()) return budgets;
  const double gamma = *constants.step_size;
  const double L = *constants.smoothness;
  const auto T = static_cast<double>(*constants.steps);
  const Balance sides = balance(constants, guarantee, gamma, variant);
  const std::vector<SiteResponse> responses = site_responses(constants, variant);
  for (std::size_t n = 0; n < responses.size(); ++n) {
    const SiteResponse& site = responses[n];
    if (site.magnitude == 0) {
      budgets[n].reason = "no moments given";
      continue;
    }
    const double e2 = site.second_moment(site.magnitude);
    const double b2 = site.bias_squared(site.magnitude);
    if (guarantee == Guarantee::kNonconvex) {
      const double one = sides.perturbation(e2, b2) / T;  // (34): a mean over steps
      budgets[n].value = one == 0 ? T : std::min(T, std::floor(sides.optimization / one * (1 + 1e-12)));
    } else {
      const double rho = 1 - *constants.pl * gamma / 3;
      double jump = L * gamma * gamma * e2 + gamma * b2 / 2;  // (38), (40)
      if (variant == Variant::kPrinted) jump *= rho;
      budgets[n].value = jump == 0 ? T : occurrences_at_the_end(sides.optimization / jump, rho, T);
    }
    if (*budgets[n].value == T) budgets[n].reason = "every step";
  }
  return budgets;
}

std::vector<Budget> step_size_budgets(const Constants& constants, Variant variant, Guarantee guarantee) {
  validate(constants);
  Constants smallest = constants;
  if (smallest.smoothness)
    smallest.step_size = 1 / (3 * *smallest.smoothness);  // the one constant that is being looked for
  const std::string reason = missing(smallest, variant, guarantee);
  const bool split = variant != Variant::kMeasured;
  std::vector<Budget> budgets = refused(constants, variant, guarantee,
                                        reason.empty() && !split ? "the measured error is not split by site" : reason);
  budgets.push_back({"both", 0, equation(guarantee), variant, std::nullopt, reason});
  if (!reason.empty()) return budgets;
  const auto fill = [&](Budget& budget, double e2, double b2) {
    const Budget found = largest_step_size(constants, variant, guarantee, e2, b2);
    budget.value = found.value;
    budget.reason = found.reason;
  };
  if (split) {
    const std::vector<SiteResponse> responses = site_responses(constants, variant);
    for (std::size_t n = 0; n < responses.size(); ++n) {
      const SiteResponse& site = responses[n];
      fill(budgets[n], site.frequency * site.second_moment(site.magnitude),
           site.frequency * site.bias_squared(site.magnitude));
    }
  }
  const Outcome<SecondMomentBound> e2 = theorem1(constants, variant);
  const Outcome<BiasBound> b2 = theorem2(constants, variant);
  if (e2.bound && b2.bound)
    fill(budgets.back(), e2.bound->value, b2.bound->value);
  else
    budgets.back().reason = e2.bound ? b2.reason : e2.reason;
  return budgets;
}

}  // namespace gradquake::theory
