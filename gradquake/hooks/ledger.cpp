#include "gradquake/hooks/ledger.h"

#include <algorithm>
#include <utility>

#include "gradquake/hooks/ledger_state.h"

namespace gradquake {
namespace {

constexpr std::size_t kUsualEntries = 64;

}  // namespace

Ledger::Ledger() : state_(std::make_unique<State>()) {}
Ledger::~Ledger() = default;

void Ledger::State::record(InjectionRecord entry, bool changed_nothing) {
  if (changed_nothing) {
    warn("changed_nothing", entry.site, entry.rule, entry.direction, entry.step,
         "rule '" + entry.rule + "' left the " + entry.direction + " tensor of site '" + entry.site +
             "' as it was: its scale is 0 or below the tensor's precision");
  }
  const std::scoped_lock lock(mutex);
  entries.push_back(std::move(entry));
}

void Ledger::State::warn(const std::string& kind, const std::string& site, const std::string& rule,
                         const std::string& direction, std::int64_t step, const std::string& message) {
  const std::scoped_lock lock(mutex);
  const auto [tally, is_new] = tallies.try_emplace(WarningKey{kind, site, rule, direction}, Tally{0, step, message});
  ++tally->second.count;
}

std::size_t Ledger::State::cover(const std::string& rule, const std::string& site, const std::string& direction) {
  const std::scoped_lock lock(mutex);
  const auto [known, is_new] = covered_.try_emplace({rule, site}, coverage.size());
  if (is_new) coverage.push_back({rule, site, direction, false, false, 0, 0});
  return known->second;
}

std::vector<InjectionRecord> Ledger::take_entries() {
  const std::scoped_lock lock(state_->mutex);
  std::vector<InjectionRecord> taken = std::exchange(state_->entries, {});
  state_->entries.reserve(std::min(taken.size(), kUsualEntries));  // the next step makes about as many
  const auto by_step = [](const InjectionRecord& a, const InjectionRecord& b) { return a.step < b.step; };
  if (!std::is_sorted(taken.begin(), taken.end(), by_step)) std::stable_sort(taken.begin(), taken.end(), by_step);
  return taken;
}

std::vector<LedgerWarning> Ledger::warnings() const {
  const std::scoped_lock lock(state_->mutex);
  std::map<State::WarningKey, State::Tally> all = state_->tallies;
  for (const State::Coverage& c : state_->coverage) {
    if (c.ran_when_due || (c.missed == 0 && (c.ran_at_all || state_->scopes == 0))) continue;
    const std::string where = "rule '" + c.rule + "' addresses site '" + c.site + "', which ran in none of the ";
    const State::Tally tally =
        c.missed > 0 ? State::Tally{c.missed, c.first_missed,
                                    where + std::to_string(c.missed) + " scopes in which the rule was due"}
                     : State::Tally{state_->scopes, 0, where + std::to_string(state_->scopes) + " scopes so far"};
    all.emplace(State::WarningKey{"site_never_ran", c.site, c.rule, c.direction}, tally);
  }
  std::vector<LedgerWarning> list;
  for (const auto& [key, tally] : all) {
    const auto& [kind, site, rule, direction] = key;
    list.push_back({kind, site, rule, direction, tally.message, tally.count, tally.first_step});
  }
  return list;
}

}  // namespace gradquake
