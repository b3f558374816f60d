// Claim (e): forward perturbations every interval steps.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gradquake/paper/claims_parts.h"

namespace gradquake::paper {
namespace {

constexpr double kHarmless = 1.5;  // n / n of standard SGD at the smallest gamma

}  // namespace

std::vector<ClaimRow> intermittent_rows(const Levels& levels, const Regularizer& regularizer) {
  const Settings& settings = levels.settings();
  std::vector<double> intervals(settings.intervals.begin(), settings.intervals.end());
  std::vector<double> sigmas = settings.intermittent_sigmas;
  std::sort(intervals.begin(), intervals.end());
  std::sort(sigmas.begin(), sigmas.end());
  const auto panel = [&](DrawMode draw, double sigma, double interval) {
    RunSpec spec = panel_of(settings, regularizer, Direction::kForward, draw, sigma);
    spec.interval = static_cast<std::int64_t>(interval);
    return spec;
  };
  const RunSpec standard = panel_of(settings, regularizer, Direction::kBackward, DrawMode::kPerStep, 0);
  if (!levels.has(standard) || !levels.has(panel(kDraws.back(), sigmas.back(), intervals.back()))) return {};

  const double gamma = levels.smallest_gamma();
  const auto ratios = [&](DrawMode draw, double sigma, std::int64_t seed) {
    std::vector<double> values;
    for (const double interval : intervals)
      values.push_back(levels.level(panel(draw, sigma, interval), gamma, seed) / levels.level(standard, gamma, seed));
    return values;
  };
  std::vector<ClaimRow> rows;
  for (const DrawMode draw : kDraws) {
    for (const double sigma : sigmas) {
      RunSpec where = panel(draw, sigma, 1);
      const Estimate fall = levels.over_seeds([&](std::int64_t seed) {
        const std::vector<double> n = ratios(draw, sigma, seed);
        return log_slope({intervals[0], intervals[1]}, {std::sqrt(n[0] * n[0] - 1), std::sqrt(n[1] * n[1] - 1)});
      });
      rows.push_back({fmt::format("exponent of sqrt(n^2 - n_standard^2) in the interval, {} to {}, at gamma {}",
                                  intervals[0], intervals[1], gamma),
                      place_of(where), fall, -1.0, fall.high < 0});
      const Estimate harmless = levels.over_seeds(
          [&](std::int64_t seed) { return first_crossing(intervals, ratios(draw, sigma, seed), kHarmless); });
      rows.push_back({fmt::format("interval from which n is below {} x standard at gamma {}", kHarmless, gamma),
                      place_of(where), harmless, std::nullopt, std::isfinite(harmless.value)});
    }
    if (sigmas.size() < 2) continue;
    const Estimate wider = levels.over_seeds([&](std::int64_t seed) {
      const double small = first_crossing(intervals, ratios(draw, sigmas.front(), seed), kHarmless);
      const double large = first_crossing(intervals, ratios(draw, sigmas.back(), seed), kHarmless);
      return std::log(large / small) / std::log(sigmas.back() / sigmas.front());
    });
    rows.push_back(
        {"exponent of that interval in sigma_f", place_of(panel(draw, 1, 1), false), wider, 2.0, wider.low > 0});
  }
  return rows;
}

std::vector<Claim> intermittent_claims(const Levels& levels) {
  Claim e{"e",
          "With intermittent forward perturbations the plateau falls as the interval grows, and a larger sigma_f needs "
          "a larger interval",
          "",
          "holds where the exponent in the interval is below 0 (-1: a plateau of bias, -1/2: noise) and that of the "
          "needed interval in sigma_f above 0",
          intermittent_rows(levels, nonconvex(levels.settings()))};
  if (e.rows.empty()) return {};
  e.verdict = verdict_of(e.rows);
  return {e};
}

}  // namespace gradquake::paper
