// The ledger's counters as text: a header, then the fields.
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradquake/hooks/ledger_state.h"
#include "gradquake/hooks/state_text.h"

namespace gradquake {
namespace {

constexpr std::string_view kLedgerHeader = "gradquake-ledger-1";

}  // namespace

std::string Ledger::save() const {
  const std::scoped_lock lock(state_->mutex);
  detail::StateWriter out;
  out.add(kLedgerHeader);
  out.add(state_->scopes);
  out.add(static_cast<std::int64_t>(state_->tallies.size()));
  for (const auto& [key, tally] : state_->tallies) {
    const auto& [kind, site, rule, direction] = key;
    for (const std::string& part : {kind, site, rule, direction, tally.message}) out.add(part);
    out.add(tally.count);
    out.add(tally.first_step);
  }
  out.add(static_cast<std::int64_t>(state_->coverage.size()));
  for (const State::Coverage& c : state_->coverage) {
    for (const std::string& part : {c.rule, c.site, c.direction}) out.add(part);
    out.add(static_cast<std::int64_t>(c.ran_when_due));
    out.add(static_cast<std::int64_t>(c.ran_at_all));
    out.add(c.missed);
    out.add(c.first_missed);
  }
  return out.take();
}

void Ledger::restore(const std::string& text) {
  detail::StateReader in(text, "Ledger::save");
  if (in.bytes() != kLedgerHeader) in.refuse();
  const std::int64_t scopes = in.number();
  std::map<State::WarningKey, State::Tally> tallies;
  for (std::int64_t left = in.number(); left > 0; --left) {
    std::string kind = in.bytes(), site = in.bytes(), rule = in.bytes(), direction = in.bytes();
    State::Tally tally;
    tally.message = in.bytes();
    tally.count = in.number();
    tally.first_step = in.number();
    tallies[{std::move(kind), std::move(site), std::move(rule), std::move(direction)}] = std::move(tally);
  }
  std::vector<State::Coverage> coverage;
  for (std::int64_t left = in.number(); left > 0; --left) {
    State::Coverage c;
    c.rule = in.bytes();
    c.site = in.bytes();
    c.direction = in.bytes();
    c.ran_when_due = in.number() != 0;
    c.ran_at_all = in.number() != 0;
    c.missed = in.number();
    c.first_missed = in.number();
    coverage.push_back(std::move(c));
  }
  if (!in.done()) in.refuse();
  // The plan's scopes know coverage by position: positions stay, unknown ones are appended.
  for (State::Coverage& saved : coverage) {
    const std::size_t position = state_->cover(saved.rule, saved.site, saved.direction);
    const std::scoped_lock lock(state_->mutex);
    state_->coverage[position] = std::move(saved);
  }
  const std::scoped_lock lock(state_->mutex);
  state_->tallies = std::move(tallies);
  state_->scopes = scopes;
}

}  // namespace gradquake
