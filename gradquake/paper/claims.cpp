#include "gradquake/paper/claims.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "gradquake/paper/claims_parts.h"
#include "gradquake/report/optional_json.h"

namespace gradquake::paper {

Levels::Levels(const Settings& settings, const RunStore& store) : settings_(settings), store_(store) {
  fitted_ = settings.step_sizes;
  std::sort(fitted_.begin(), fitted_.end());
  std::vector<double> small;
  std::copy_if(fitted_.begin(), fitted_.end(), std::back_inserter(small),
               [](double gamma) { return gamma <= kLargestFitted; });
  if (small.size() >= 3) fitted_ = small;
}

bool Levels::has(RunSpec panel) const {
  for (const double gamma : settings_.step_sizes) {
    for (const std::int64_t seed : settings_.seeds) {
      panel.gamma = gamma;
      panel.seed = seed;
      if (!store_.find(panel.key(settings_))) return false;
    }
  }
  return true;
}

const RunRecord& Levels::at(RunSpec panel, double gamma, std::int64_t seed) const {
  panel.gamma = gamma;
  panel.seed = seed;
  return *store_.find(panel.key(settings_));
}

std::vector<double> Levels::fitted_levels(const RunSpec& panel, std::int64_t seed) const {
  std::vector<double> levels;
  for (const double gamma : fitted_) levels.push_back(level(panel, gamma, seed));
  return levels;
}

Estimate Levels::over_seeds(const std::function<double(std::int64_t)>& of_seed) const {
  std::vector<double> values;
  for (const std::int64_t seed : settings_.seeds) values.push_back(of_seed(seed));
  return mean_of(values);
}

Estimate Levels::exponent(const RunSpec& panel) const {
  return over_seeds([&](std::int64_t seed) { return log_slope(fitted_, fitted_levels(panel, seed)); });
}

double Levels::plateau_of(const RunSpec& panel, std::int64_t seed) const {
  return fit_plateau(fitted_, fitted_levels(panel, seed)).plateau;
}

Estimate Levels::plateau(const RunSpec& panel) const {
  return over_seeds([&](std::int64_t seed) { return plateau_of(panel, seed); });
}

RunSpec panel_of(const Settings& settings, const Regularizer& regularizer, Direction direction, DrawMode draw,
                 double sigma) {
  RunSpec panel;
  panel.regularizer = regularizer;
  panel.direction = direction;
  panel.draw = draw;
  panel.sigma = sigma;
  panel.steps = settings.steps;
  panel.gradient_noise = settings.gradient_noise;
  return panel;
}

std::string place_of(const RunSpec& panel, bool with_sigma) {
  std::string place = fmt::format("{} {}, {}, {}", panel.regularizer.name(), panel.regularizer.weight,
                                  panel.direction_name(), panel.draw_name());
  if (panel.standard()) place = fmt::format("{} {}, standard", panel.regularizer.name(), panel.regularizer.weight);
  if (with_sigma && !panel.standard()) place += fmt::format(", sigma {}", panel.sigma);
  if (panel.biased) place += ", biased";
  return place;
}

std::string verdict_of(const std::vector<ClaimRow>& rows) {
  constexpr std::size_t kMostNamed = 4;
  std::vector<std::string> left_out;
  for (const ClaimRow& row : rows)
    if (!row.agrees) left_out.push_back(row.what + " (" + row.where + ")");
  if (left_out.empty()) return "holds";
  if (left_out.size() == rows.size()) return "fails";
  const std::size_t more = left_out.size() > kMostNamed ? left_out.size() - kMostNamed : 0;
  left_out.resize(left_out.size() - more);
  return fmt::format("holds only if what does not agree is left out: {}{}", fmt::join(left_out, "; "),
                     more > 0 ? fmt::format("; and {} more", more) : "");
}

std::vector<Claim> judge_claims(const Settings& settings, const RunStore& store) {
  const Levels levels(settings, store);
  std::vector<Claim> claims;
  const auto add = [&](std::vector<Claim> more) { std::move(more.begin(), more.end(), std::back_inserter(claims)); };
  add(frequent_claims(levels));
  add(biased_claims(levels));
  add(intermittent_claims(levels));
  add(convex_claims(levels));
  add(coupled_claims(settings, store));
  add(table1_claims(settings, store));
  add(appendix_claims());
  return claims;
}

nlohmann::ordered_json claims_json(const std::vector<Claim>& claims) {
  using json = nlohmann::ordered_json;
  const auto number = [](double value) { return std::isfinite(value) ? json(value) : json(nullptr); };
  json list = json::array();
  for (const Claim& claim : claims) {
    json rows = json::array();
    for (const ClaimRow& row : claim.rows) {
      rows.push_back({{"what", row.what},
                      {"where", row.where},
                      {"estimate", number(row.estimate.value)},
                      {"interval", {number(row.estimate.low), number(row.estimate.high)}},
                      {"seeds", row.estimate.seeds},
                      {"expected", report::or_null(row.expected)},
                      {"agrees", row.agrees}});
    }
    const Estimate first = claim.rows.empty() ? Estimate{} : claim.rows.front().estimate;
    list.push_back({{"claim", claim.id},
                    {"statement", claim.statement},
                    {"verdict", claim.verdict},
                    {"reason", claim.reason},
                    {"estimate", number(first.value)},
                    {"interval", {number(first.low), number(first.high)}},
                    {"estimates", rows}});
  }
  return list;
}

}  // namespace gradquake::paper
