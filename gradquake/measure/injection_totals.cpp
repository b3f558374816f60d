#include "gradquake/measure/injection_totals.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "gradquake/hooks/perturbation.h"

namespace gradquake::measure {

double mean_share(const KindSpec& perturbation) {
  const std::optional<ElementMoments> moments = make_perturbation(perturbation)->moments();
  if (!moments) return 1;
  return moments->second > 0 ? moments->mean * moments->mean / moments->second : 0;
}

InjectionTotals::InjectionTotals(const std::vector<Rule>& rules, std::int64_t rows) : rows_(static_cast<double>(rows)) {
  for (std::size_t i = 0; i < rules.size(); ++i) shares_[label_of(rules[i], i)] = mean_share(rules[i].perturbation);
}

void InjectionTotals::add(const StepRecord& record) {
  std::set<std::pair<std::string, std::string>> hit;
  for (const InjectionRecord& injection : record.injections) {
    if (!std::isfinite(injection.norm)) continue;
    const std::pair key(injection.direction, injection.site);
    Total& total = totals_[key];
    if (hit.insert(key).second) ++total.hits;
    const double square = injection.norm * injection.norm;
    const auto share = shares_.find(injection.rule);
    total.squares += square;
    total.mean_squares += (share == shares_.end() ? 1 : share->second) * square;
  }
}

theory::PerturbationSizes InjectionTotals::sizes() const {
  theory::PerturbationSizes sizes;
  for (const auto& [key, total] : totals_) {
    const double samples = static_cast<double>(total.hits) * rows_;
    double& rms = key.first == "forward" ? sizes.delta_rms : sizes.eps_rms;
    double& mean = key.first == "forward" ? sizes.delta_mean : sizes.eps_mean;
    rms = std::max(rms, std::sqrt(total.squares / samples));
    mean = std::max(mean, std::sqrt(total.mean_squares / samples));
  }
  return sizes;
}

std::int64_t InjectionTotals::hits(const std::string& direction) const {
  std::int64_t hits = 0;
  for (const auto& [key, total] : totals_)
    if (key.first == direction) hits += total.hits;
  return hits;
}

bool InjectionTotals::zero_mean() const {
  return std::all_of(totals_.begin(), totals_.end(), [](const auto& one) { return one.second.mean_squares == 0; });
}

nlohmann::json InjectionTotals::save() const {
  nlohmann::json state = nlohmann::json::array();
  for (const auto& [key, total] : totals_)
    state.push_back({key.first, key.second, total.hits, total.squares, total.mean_squares});
  return state;
}

void InjectionTotals::restore(const nlohmann::json& state) {
  totals_.clear();
  for (const nlohmann::json& one : state) {
    totals_[{one.at(0).get<std::string>(), one.at(1).get<std::string>()}] = {
        one.at(2).get<std::int64_t>(), one.at(3).get<double>(), one.at(4).get<double>()};
  }
}

}  // namespace gradquake::measure
