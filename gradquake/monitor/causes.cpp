#include "gradquake/monitor/causes.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

template <typename Record>
auto address(const Record& record) {
  return std::tie(record.rule, record.site, record.direction);
}

template <typename Record>
auto find(std::vector<SpikeCause>& causes, const Record& like) {
  return std::find_if(causes.begin(), causes.end(), [&](const auto& cause) { return address(cause) == address(like); });
}

// NaN counts as the largest, so that the order stays strict.
double rank(double norm) { return std::isnan(norm) ? std::numeric_limits<double>::infinity() : norm; }

}  // namespace

void RecentCauses::observe(const StepRecord& record) {
  while (!fired_.empty() && fired_.front().step < record.step - kCauseSteps) fired_.pop_front();
  if (record.injections.empty()) return;

  Fired now{record.step, {}};
  for (const InjectionRecord& injection : record.injections) {
    const auto known = find(now.causes, injection);
    if (known == now.causes.end())
      now.causes.push_back({injection.rule, injection.site, injection.direction, injection.norm, 0});
    else
      known->norm = std::hypot(known->norm, injection.norm);
  }
  std::stable_sort(now.causes.begin(), now.causes.end(),
                   [](const auto& a, const auto& b) { return rank(a.norm) > rank(b.norm); });
  fired_.push_back(std::move(now));
}

std::vector<SpikeCause> RecentCauses::at(std::int64_t step) const {
  std::vector<SpikeCause> nearest;
  for (auto fired = fired_.rbegin(); fired != fired_.rend() && fired->step >= step - kCauseSteps; ++fired) {
    for (const SpikeCause& cause : fired->causes) {
      if (nearest.size() == kMostCauses) return nearest;
      if (find(nearest, cause) != nearest.end()) continue;
      nearest.push_back(cause);
      nearest.back().steps_ago = step - fired->step;
    }
  }
  return nearest;
}

nlohmann::json RecentCauses::save() const {
  nlohmann::json list = nlohmann::json::array();
  for (const Fired& fired : fired_) {
    nlohmann::json causes = nlohmann::json::array();
    for (const SpikeCause& cause : fired.causes)
      causes.push_back({cause.rule, cause.site, cause.direction, state::write(cause.norm)});
    list.push_back({{"step", fired.step}, {"causes", std::move(causes)}});
  }
  return list;
}

void RecentCauses::restore(const nlohmann::json& state) {
  fired_.clear();
  for (const auto& entry : state) {
    Fired fired{entry.at("step").get<std::int64_t>(), {}};
    for (const auto& cause : entry.at("causes")) {
      fired.causes.push_back({cause.at(0).get<std::string>(), cause.at(1).get<std::string>(),
                              cause.at(2).get<std::string>(), state::read_double(cause.at(3)), 0});
    }
    fired_.push_back(std::move(fired));
  }
}

}  // namespace gradquake::monitor
