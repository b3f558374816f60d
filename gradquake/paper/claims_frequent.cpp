// Claims (a), (b), (c) and their strongly convex counterparts in (f).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gradquake/paper/claims_parts.h"

namespace gradquake::paper {
namespace {

constexpr double kLeastForwardSigma = 0.5;  // the paper: a plateau "e.g., sigma_f >= 0.5"
constexpr double kSlack = 0.1;              // an exponent of 1/2 is one within 0.4 .. 0.6
constexpr double kReached = 1.25;           // the plateau is reached where n <= this x P

RunSpec standard(const Levels& levels, const Regularizer& regularizer) {
  return panel_of(levels.settings(), regularizer, Direction::kBackward, DrawMode::kPerStep, 0);
}

std::vector<RunSpec> backward(const Levels& levels, const Regularizer& regularizer) {
  std::vector<RunSpec> panels;
  for (const DrawMode draw : kDraws)
    for (const double sigma : levels.settings().sigmas)
      panels.push_back(panel_of(levels.settings(), regularizer, Direction::kBackward, draw, sigma));
  return panels;
}

std::vector<double> large_sigmas(const Settings& settings) {
  std::vector<double> sigmas;
  for (const double sigma : settings.sigmas)
    if (sigma >= kLeastForwardSigma) sigmas.push_back(sigma);
  return sigmas;
}

bool have_frequent(const Levels& levels, const Regularizer& regularizer) {
  const RunSpec last =
      panel_of(levels.settings(), regularizer, Direction::kForward, kDraws.back(), levels.settings().sigmas.back());
  return levels.has(standard(levels, regularizer)) && levels.has(last) &&
         levels.has(backward(levels, regularizer).back());
}

// A plateau that holds is seen only above the noise.
std::string above_the_noise(const std::string& verdict) {
  return verdict == "holds" ? "holds only if gamma is small enough for the plateau to exceed the noise" : verdict;
}

}  // namespace

std::vector<ClaimRow> falling_rows(const Levels& levels, const std::vector<RunSpec>& panels) {
  std::vector<ClaimRow> rows;
  for (const RunSpec& panel : panels) {
    const Estimate exponent = levels.exponent(panel);
    rows.push_back(
        {"exponent of n in gamma", place_of(panel), exponent, 0.5, exponent.inside(0.5 - kSlack, 0.5 + kSlack)});
  }
  return rows;
}

std::vector<ClaimRow> plateau_rows(const Levels& levels, const Regularizer& regularizer) {
  std::vector<ClaimRow> rows;
  const std::vector<double> sigmas = large_sigmas(levels.settings());
  for (const DrawMode draw : kDraws) {
    const auto panel = [&](double sigma) {
      return panel_of(levels.settings(), regularizer, Direction::kForward, draw, sigma);
    };
    if (sigmas.size() >= 2) {
      const Estimate growth = levels.over_seeds([&](std::int64_t seed) {
        std::vector<double> plateaus;
        for (const double sigma : sigmas) plateaus.push_back(levels.plateau_of(panel(sigma), seed));
        return log_slope(sigmas, plateaus);
      });
      rows.push_back(
          {"exponent of the plateau P in sigma_f", place_of(panel(1), false), growth, 2.0, growth.inside(1.7, 2.3)});
    }
    for (const double sigma : sigmas) {
      const Estimate plateau = levels.plateau(panel(sigma));
      rows.push_back({"plateau P, n at gamma to 0", place_of(panel(sigma)), plateau, std::nullopt, plateau.low > 0});
    }
  }
  return rows;
}

std::string plateau_reach(const Levels& levels, const Regularizer& regularizer) {
  std::string reach;
  for (const DrawMode draw : kDraws) {
    for (const double sigma : large_sigmas(levels.settings())) {
      const RunSpec panel = panel_of(levels.settings(), regularizer, Direction::kForward, draw, sigma);
      const double plateau = levels.plateau(panel).value;
      double largest = 0;
      for (const double gamma : levels.settings().step_sizes) {
        const double n = levels.over_seeds([&](std::int64_t seed) { return levels.level(panel, gamma, seed); }).value;
        if (n <= kReached * plateau) largest = std::max(largest, gamma);
      }
      reach += fmt::format("{}{} sigma {}: {}", reach.empty() ? "" : "; ", panel.draw_name(), sigma,
                           largest > 0 ? fmt::format("gamma <= {}", largest) : "not in the grid");
    }
  }
  return reach;
}

std::vector<Claim> frequent_claims(const Levels& levels) {
  const Regularizer regularizer = nonconvex(levels.settings());
  if (!have_frequent(levels, regularizer)) return {};
  Claim a{"a", "Without perturbation the stable gradient norm n falls to 0 with gamma, as sqrt(gamma)", "", "",
          falling_rows(levels, {standard(levels, regularizer)})};
  a.verdict = verdict_of(a.rows);
  a.reason = "holds where the interval of the exponent lies within 0.4 .. 0.6";

  Claim b{"b", "With zero-mean backward perturbations of any tested size n falls to 0 with gamma in the same way", "",
          "", falling_rows(levels, backward(levels, regularizer))};
  b.verdict = verdict_of(b.rows);
  b.reason = "holds where every interval of the exponent lies within 0.4 .. 0.6";

  Claim c{"c",
          "With zero-mean forward perturbations, sigma_f >= 0.5, n reaches a plateau that does not depend on gamma and "
          "grows as sigma_f^2",
          "", "", plateau_rows(levels, regularizer)};
  const std::string reach = plateau_reach(levels, regularizer);
  c.verdict = above_the_noise(verdict_of(c.rows));
  c.reason = "P from n^2 = P^2 + A gamma; n is within 25 % of P for " + reach;
  return {a, b, c};
}

std::vector<Claim> convex_claims(const Levels& levels) {
  const Regularizer regularizer = strongly_convex(levels.settings());
  const Regularizer rare{RegularizerKind::kL2, levels.settings().intermittent_l2_rho};
  Claim f{"f", "Claims (a), (b), (c) and (e) in the strongly convex (PL) case", "", "", {}};
  const auto append = [&](std::vector<ClaimRow> rows) { f.rows.insert(f.rows.end(), rows.begin(), rows.end()); };
  if (have_frequent(levels, regularizer)) {
    append(falling_rows(levels, {standard(levels, regularizer)}));
    append(falling_rows(levels, backward(levels, regularizer)));
    append(plateau_rows(levels, regularizer));
    f.reason = "n is within 25 % of P for " + plateau_reach(levels, regularizer);
  }
  append(intermittent_rows(levels, rare));
  if (f.rows.empty()) return {};
  f.verdict = above_the_noise(verdict_of(f.rows));
  return {f};
}

}  // namespace gradquake::paper
