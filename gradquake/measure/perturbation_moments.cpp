#include "gradquake/measure/perturbation_moments.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "gradquake/core/error.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"

namespace gradquake::measure {
namespace {

struct Moments {
  double second = 0;
  double mean_squared = 0;
  double fourth = 0;
  double frequency = 0;
};

Moments moments(const Plan& plan, std::size_t rule, double features, double rms) {
  const Rule& spec = plan.rules()[rule];
  const auto steps = static_cast<std::size_t>(plan.options().run_steps);
  const std::vector<std::int64_t> firings = plan.first_firings(rule, steps);
  if (firings.empty()) return {};
  const auto schedule = make_schedule(spec.schedule, {.run_steps = plan.options().run_steps, .coin_key = 0});
  double squared = 0, fourth = 0;
  const KindSpec perturbation = perturbations().complete(spec.perturbation);
  const std::unique_ptr<Perturbation> kind = make_perturbation(perturbation);
  const std::optional<ElementMoments> element = kind->moments();
  if (!element) throw UserError("theory", "expected rules of a kind whose moments are known, got " + perturbation.kind);
  const ElementMoments& x = *element;
  const bool relative = kind->needs_reference_rms();
  for (const std::int64_t step : firings) {
    const double a = schedule->amplitude(step) * (relative ? rms : 1);
    squared += a * a / static_cast<double>(firings.size());
    fourth += std::pow(a, 4) / static_cast<double>(firings.size());
  }
  const auto draw = perturbation.has("draw") ? from_text<DrawMode>(perturbation.text("draw")) : DrawMode::kPerElement;
  // One draw for all of a sample's features, or one for each.
  const bool shared = draw == DrawMode::kPerStep || draw == DrawMode::kPerSample;
  const double of_fourth =
      shared ? features * features * x.fourth : features * x.fourth + features * (features - 1) * x.second * x.second;
  return {squared * features * x.second, squared * features * x.mean * x.mean, fourth * of_fourth,
          static_cast<double>(firings.size()) / static_cast<double>(steps)};
}

// Two rules at one site: the sum has at most these moments (Minkowski).
Moments join(const Moments& a, const Moments& b) {
  if (a.frequency == 0) return b;
  if (b.frequency == 0) return a;
  const double mean = std::sqrt(a.mean_squared) + std::sqrt(b.mean_squared);
  const double variances = (a.second - a.mean_squared) + (b.second - b.mean_squared);
  return {variances + mean * mean, mean * mean, std::pow(std::pow(a.fourth, 0.25) + std::pow(b.fourth, 0.25), 4),
          std::max(a.frequency, b.frequency)};
}

}  // namespace

void add_moments(const Plan& plan, const std::vector<SiteSize>& sites, theory::Constants& constants) {
  for (const Rule& rule : plan.rules()) {
    if (rule.target != Target::kActivation)
      throw UserError("theory", "expected rules of activations, for the theory has no term for another target, got '" +
                                    rule.label + "' of target " + to_text(rule.target));
  }
  constants.delta.clear();
  constants.eps.clear();
  for (const SiteSize& site : sites) {
    Moments delta, eps;
    for (std::size_t rule = 0; rule < plan.rules().size(); ++rule) {
      const std::vector<std::string> names = plan.sites_of(rule);
      if (std::find(names.begin(), names.end(), site.name) == names.end()) continue;
      if (acts(plan.rules()[rule], Direction::kForward))
        delta = join(delta, moments(plan, rule, site.features, site.forward_rms));
      if (acts(plan.rules()[rule], Direction::kBackward))
        eps = join(eps, moments(plan, rule, site.features, site.backward_rms));
    }
    constants.delta.push_back({.second_moment = delta.second,
                               .mean_squared = delta.mean_squared,
                               .fourth_moment = delta.fourth,
                               .frequency = delta.frequency});
    constants.eps.push_back(
        {.second_moment = eps.second, .mean_squared = eps.mean_squared, .frequency = eps.frequency});
  }
}

}  // namespace gradquake::measure
