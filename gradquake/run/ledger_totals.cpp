#include "gradquake/run/ledger_totals.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "gradquake/config/enum_reader.h"
#include "gradquake/report/record_json.h"

namespace gradquake::run {
namespace {

constexpr double kLineBytes = 160;
constexpr std::int64_t kMostStepsToCount = 10'000'000;  // beyond, a rule counts as firing at every step

}  // namespace

LedgerConfig read_ledger(config::Reader reader) {
  LedgerConfig ledger;
  ledger.detail = config::read_enum(reader, "detail", ledger.detail);
  ledger.interval = reader.integer("interval", ledger.interval, 1);
  reader.finish();
  return ledger;
}

double foreseen_ledger_bytes(const train::Task& task) {
  const std::int64_t rows = task.micro_batch.value_or(task.batch_size);
  const double passes = std::ceil(static_cast<double>(task.batch_size) / static_cast<double>(rows));
  std::unordered_map<std::string, std::int64_t> occurrences;
  for (const auto* sites : {&task.sites, &task.beneath})
    for (const SiteInfo& site : *sites) occurrences[site.name] = site.occurrences;
  double lines = 0;
  for (std::size_t i = 0; i < task.plan->rules().size(); ++i) {
    double taps = 0;
    for (const std::string& name : task.plan->sites_of(i)) {
      const auto site = occurrences.find(name);
      taps += site == occurrences.end() ? 1 : static_cast<double>(site->second);
    }
    const double directions = task.plan->rules()[i].direction == Direction::kBoth ? 2 : 1;
    const std::int64_t firings =
        task.steps > kMostStepsToCount
            ? task.steps
            : static_cast<std::int64_t>(task.plan->first_firings(i, static_cast<std::size_t>(task.steps)).size());
    lines += static_cast<double>(firings) * taps * directions * passes;
  }
  return lines * kLineBytes;
}

std::vector<InjectionTotal> LedgerTotals::add(std::int64_t step, const std::vector<InjectionRecord>& injections) {
  std::vector<InjectionTotal> ended;
  if (step / interval_ != first_ / interval_) {
    ended = take();
    first_ = step - step % interval_;
  }
  last_ = step;
  for (const InjectionRecord& injection : injections) {
    InjectionTotal& total = totals_[{injection.rule, injection.site, injection.direction}];
    ++total.injections;
    total.elements += injection.elements;
    total.norm = std::hypot(total.norm, injection.norm);
    total.largest_norm = std::max(total.largest_norm, injection.norm);
    total.largest_relative_norm = std::max(total.largest_relative_norm, injection.relative_norm);
  }
  return ended;
}

std::vector<InjectionTotal> LedgerTotals::take() {
  std::vector<InjectionTotal> taken;
  for (auto& [key, total] : totals_) {
    std::tie(total.rule, total.site, total.direction) = key;
    total.from = first_;
    total.until = std::min(first_ + interval_, last_ + 1);
    taken.push_back(std::move(total));
  }
  totals_.clear();
  return taken;
}

nlohmann::json LedgerTotals::save() const {
  nlohmann::json totals = nlohmann::json::array();
  for (auto [key, total] : totals_) {
    std::tie(total.rule, total.site, total.direction) = key;
    totals.push_back(report::to_line(total));
  }
  return {{"first", first_}, {"last", last_}, {"totals", std::move(totals)}};
}

void LedgerTotals::restore(const nlohmann::json& state) {
  first_ = state.at("first").get<std::int64_t>();
  last_ = state.at("last").get<std::int64_t>();
  totals_.clear();
  for (const nlohmann::json& line : state.at("totals")) {
    const auto total = report::from_line<InjectionTotal>(nlohmann::json::parse(line.get<std::string>()));
    totals_[{total.rule, total.site, total.direction}] = total;
  }
}

}  // namespace gradquake::run
