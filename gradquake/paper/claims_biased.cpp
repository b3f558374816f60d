// Claim (d): is the level a plateau, or do the iterates run off?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "gradquake/paper/claims_parts.h"
#include "gradquake/paper/stationary_point.h"

namespace gradquake::paper {

std::vector<Claim> biased_claims(const Levels& levels) {
  const Settings& settings = levels.settings();
  const Regularizer regularizer = nonconvex(settings);
  const auto panel = [&](DrawMode draw, double sigma) {
    RunSpec spec = panel_of(settings, regularizer, Direction::kBackward, draw, sigma);
    spec.biased = true;
    return spec;
  };
  std::vector<double> sigmas = settings.sigmas;
  std::sort(sigmas.begin(), sigmas.end());
  for (const DrawMode draw : kDraws)
    if (!levels.has(panel(draw, sigmas.front())) || !levels.has(panel(draw, sigmas.back()))) return {};

  // One problem a seed, one perturbation's mean a sigma: a proof each.
  std::map<double, std::map<std::int64_t, StationaryPoint>> points;
  std::map<std::int64_t, double> mean_rows;
  for (const std::int64_t seed : settings.seeds) {
    const Problem problem = make_problem(settings, seed);
    mean_rows[seed] = norm(problem.mean_row);
    for (const double sigma : sigmas) {
      const double bias = panel(DrawMode::kPerStep, sigma).lane(settings.features).mean;
      points[sigma][seed] = find_stationary_point(problem, regularizer, bias);
    }
  }

  Claim d{"d", "With backward perturbations of non-zero mean n reaches a plateau that grows with sigma_b", "", "", {}};
  std::vector<std::string> settled, running, mixed;
  for (const double sigma : sigmas) {
    const auto exists = std::count_if(points[sigma].begin(), points[sigma].end(),
                                      [](const auto& point) { return point.second.exists; });
    (exists == static_cast<std::ptrdiff_t>(settings.seeds.size()) ? settled
     : exists == 0                                                ? running
                                                                  : mixed)
        .push_back(fmt::format("{}", sigma));
  }
  const double gamma = *std::max_element(settings.step_sizes.begin(), settings.step_sizes.end());
  for (const DrawMode draw : kDraws) {
    const Estimate growth = levels.over_seeds([&](std::int64_t seed) {
      std::vector<double> n;
      for (const double sigma : sigmas) n.push_back(levels.level(panel(draw, sigma), gamma, seed));
      return log_slope(sigmas, n);
    });
    d.rows.push_back({fmt::format("exponent of n in sigma_b at gamma {}", gamma), place_of(panel(draw, 1), false),
                      growth, 1.0, growth.low > 0 && settled.size() == sigmas.size()});
    for (const double sigma : sigmas) {
      const bool plateau = std::find(settled.begin(), settled.end(), fmt::format("{}", sigma)) != settled.end();
      const RunSpec spec = panel(draw, sigma);
      const std::string where = place_of(spec);
      const auto row = [&](const std::string& what, const std::function<double(std::int64_t)>& of_seed) {
        d.rows.push_back({what, where, levels.over_seeds(of_seed), std::nullopt, plateau});
      };
      row(fmt::format("n at gamma {}", gamma), [&](std::int64_t seed) { return levels.level(spec, gamma, seed); });
      row("n that a stationary point would have, ||b||",
          [&](std::int64_t seed) { return spec.lane(settings.features).mean * mean_rows[seed]; });
      row("share of seeds with a stationary point",
          [&](std::int64_t seed) { return points[sigma][seed].exists ? 1.0 : 0.0; });
      row(fmt::format("||w_T|| / ||w_T/2|| at gamma {}", gamma), [&](std::int64_t seed) {
        const RunRecord& run = levels.at(spec, gamma, seed);
        return run.weight_norm / run.half_weight_norm;
      });
      row(fmt::format("||w_T|| at gamma {}", gamma),
          [&](std::int64_t seed) { return levels.at(spec, gamma, seed).weight_norm; });
      row(fmt::format("f(w_T) at gamma {}", gamma),
          [&](std::int64_t seed) { return levels.at(spec, gamma, seed).final_loss; });
    }
  }
  const auto join = [](const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); };
  if (settled.size() == sigmas.size()) {
    d.verdict = "holds";
  } else if (settled.empty() && mixed.empty()) {
    d.verdict = "fails";
  } else {
    d.verdict = "holds only if a stationary point exists: sigma_b " + join(settled.empty() ? mixed : settled);
    if (settled.empty()) d.verdict += ", for some seeds";
  }
  d.reason = fmt::format("a point with grad f + b = 0 was found for every seed at sigma_b {}",
                         settled.empty() ? "none" : join(settled));
  if (!mixed.empty()) d.reason += fmt::format("; for some of the seeds at sigma_b {}", join(mixed));
  if (!running.empty()) {
    d.reason += fmt::format(
        "; at sigma_b {} a direction with rec(u) < 0 proves that there is none: the iterates run "
        "off for ever at a steady gradient norm, which is no plateau",
        join(running));
  }
  return {d};
}

}  // namespace gradquake::paper
