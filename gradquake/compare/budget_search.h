// Finds how much is within a budget: the largest of a row of numbers at which a cost that grows with them is shown to
// be below it, and the smallest at which it is shown to be above.
//
// The numbers are steps k of a ladder, least <= k <= most. At each the cost is measured for the same seeds; it is shown
// below where the upper end of the 95 % interval of its mean is, above where the lower end is. As the cost grows with
// k, but measured costs need not, each seed's costs are first made to: by the least-squares fit that never falls
// (pool adjacent violators).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "gradquake/compare/interval.h"
#include "gradquake/hooks/export.h"

namespace gradquake::compare {

// Least-squares fit that never falls.
GRADQUAKE_EXPORT std::vector<double> monotone_fit(std::vector<double> values);

class GRADQUAKE_EXPORT BudgetSearch {
 public:
  // Begins at `start`, climbs and descends by `stride`, and in the end tries the steps between, if there are.
  BudgetSearch(double budget, int least, int most, int start, int stride);

  // What to measure next, ascending; empty: all is known.
  std::vector<int> next() const;
  void add(int k, std::vector<double> costs);  // by seed, at least two, as many each time

  // Of those tried. Empty: none was shown to be.
  std::optional<int> within() const;
  std::optional<int> beyond() const;

  // The fitted costs over seeds.
  std::map<int, Interval> costs() const;

 private:
  double budget_;
  int least_, most_, start_, stride_;
  std::map<int, std::vector<double>> tried_;
};

}  // namespace gradquake::compare
