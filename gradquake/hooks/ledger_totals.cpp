#include "gradquake/hooks/ledger_totals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradquake/hooks/ledger_text.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace {

constexpr const char* kTotalsHeader = "gradquake-ledger-totals-1";

}  // namespace

LedgerTotals::LedgerTotals(std::int64_t interval) : interval_(interval) {
  if (interval < 1)
    detail::refuse("an interval of at least 1 step for the totals of a ledger", std::to_string(interval));
}

void LedgerTotals::add(const InjectionRecord& entry) {
  const Key key(entry.step / interval_, entry.rule, entry.site, entry.direction);
  const auto [known, is_new] = pending_.try_emplace(key);
  Sums& sums = known->second;
  sums.first_step = is_new ? entry.step : std::min(sums.first_step, entry.step);
  sums.last_step = std::max(sums.last_step, entry.step);
  ++sums.count;
  sums.elements += entry.elements;
  if (!std::isfinite(entry.norm) || !std::isfinite(entry.relative_norm)) {
    ++sums.nonfinite;
    return;
  }
  sums.squares += entry.norm * entry.norm;
  sums.relative_squares += entry.relative_norm * entry.relative_norm;
  sums.largest_relative = std::max(sums.largest_relative, entry.relative_norm);
}

void LedgerTotals::add(const std::vector<InjectionRecord>& entries) {
  for (const InjectionRecord& entry : entries) add(entry);
}

std::vector<LedgerTotal> LedgerTotals::take(std::int64_t step) {
  const std::int64_t whole = step / interval_;
  std::vector<LedgerTotal> taken;
  while (!pending_.empty() && std::get<0>(pending_.begin()->first) < whole) {
    const auto one = pending_.extract(pending_.begin());
    const auto& [window, rule, site, direction] = one.key();
    const Sums& sums = one.mapped();
    const auto finite = static_cast<double>(sums.count - sums.nonfinite);
    taken.push_back({sums.first_step, sums.last_step, rule, site, direction, sums.count, sums.elements, sums.nonfinite,
                     std::sqrt(sums.squares), finite > 0 ? std::sqrt(sums.relative_squares / finite) : 0,
                     sums.largest_relative});
  }
  return taken;
}

std::vector<LedgerTotal> LedgerTotals::take_rest() { return take(std::numeric_limits<std::int64_t>::max()); }

std::string LedgerTotals::save() const {
  detail::TextWriter out;
  out.add(std::string(kTotalsHeader));
  out.add(interval_);
  out.add(static_cast<std::int64_t>(pending_.size()));
  for (const auto& [key, sums] : pending_) {
    const auto& [window, rule, site, direction] = key;
    out.add(window);
    for (const std::string& part : {rule, site, direction}) out.add(part);
    for (const std::int64_t number : {sums.first_step, sums.last_step, sums.count, sums.elements, sums.nonfinite})
      out.add(number);
    for (const double number : {sums.squares, sums.relative_squares, sums.largest_relative}) out.add_exactly(number);
  }
  return out.text();
}

void LedgerTotals::restore(const std::string& text) {
  detail::TextReader in(text);
  if (in.bytes() != kTotalsHeader) in.refuse();
  if (const std::int64_t interval = in.number(); interval != interval_) {
    detail::refuse("totals of a ledger over " + std::to_string(interval_) + " steps", std::to_string(interval));
  }
  std::map<Key, Sums> pending;
  for (std::int64_t left = in.number(); left > 0; --left) {
    const std::int64_t window = in.number();
    std::string rule = in.bytes(), site = in.bytes(), direction = in.bytes();
    Sums sums;
    for (std::int64_t* const number : {&sums.first_step, &sums.last_step, &sums.count, &sums.elements, &sums.nonfinite})
      *number = in.number();
    for (double* const number : {&sums.squares, &sums.relative_squares, &sums.largest_relative}) *number = in.exact();
    pending[{window, std::move(rule), std::move(site), std::move(direction)}] = sums;
  }
  if (!in.done()) in.refuse();
  pending_ = std::move(pending);
}

}  // namespace gradquake
