// A ledger in few lines: injections summed by rule, site and direction over windows of `interval` steps, so that what a
// run writes does not grow with its injections. Window k holds the steps [k interval, (k+1) interval).
//
//   gradquake::LedgerTotals totals(100);
//   for (step ...) {
//     { PlanScope scope(plan, {.step = step, ...}); ... }
//     totals.add(plan.ledger().take_entries());
//     for (const auto& total : totals.take(step + 1)) write(total);   // whole windows
//   }
//   for (const auto& total : totals.take_rest()) write(total);        // the last, partial one
//
// Steps may be added out of order as long as their window has not been taken. Torch-free. For one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/ledger.h"

namespace gradquake {

// Sums over the injections of one rule at one site in one direction, within a window. An injection whose norms are inf
// or nan counts in `count`, `elements` and `nonfinite`, and in no norm.
struct LedgerTotal {
  std::int64_t first_step = 0, last_step = 0;  // of its injections
  std::string rule, site, direction;
  std::int64_t count = 0;  // injections: steps, micro-batches and occurrences together
  std::int64_t elements = 0;
  std::int64_t nonfinite = 0;
  double norm = 0;                   // sqrt(sum of norm^2)
  double relative_norm = 0;          // sqrt(mean of relative_norm^2): of a typical injection
  double largest_relative_norm = 0;  // of a single injection
};

class GRADQUAKE_EXPORT LedgerTotals {
 public:
  explicit LedgerTotals(std::int64_t interval);  // throws std::invalid_argument unless interval >= 1

  void add(const InjectionRecord& entry);
  void add(const std::vector<InjectionRecord>& entries);

  // Hands over the windows that end at or before `step`, by window, rule, site and direction.
  std::vector<LedgerTotal> take(std::int64_t step);
  std::vector<LedgerTotal> take_rest();

  // What has not been taken, as text: a resumed run then hands over what an unbroken one does, bit for bit. restore
  // throws std::invalid_argument on text that save did not write, or that was written with another interval.
  std::string save() const;
  void restore(const std::string& text);

 private:
  struct Sums {
    std::int64_t first_step = 0, last_step = 0, count = 0, elements = 0, nonfinite = 0;
    double squares = 0, relative_squares = 0, largest_relative = 0;
  };
  using Key = std::tuple<std::int64_t, std::string, std::string, std::string>;  // window, rule, site, direction

  std::int64_t interval_;
  std::map<Key, Sums> pending_;
};

}  // namespace gradquake
