// How much each site can take: networks are trained with a perturbation at one site and direction, and their cost
// (networks.h) held against a set amount.
//
//   size      largest relative size at every step that is shown within the budget, and the smallest shown beyond it, on
//             a ladder of factors sqrt(2)
//   interval  fewest steps between occurrences of a perturbation as large as `burst` that are shown within, and the
//   most
//             shown beyond, on a ladder of factors 2
//   screen    said beforehand: the size at which the gradient's error is `share` of it (screen.h)
//   theory    said beforehand: the size at which the perturbation's term of (34) equals the optimisation's terms,
//             6 L gamma e2 = 6 Delta_0/(gamma T) + 6 L gamma sigma^2 with e2 = (size * gain * ||u||)^2; zero-mean noise
//             and plain SGD. L: the largest measured at the steps `at`; Delta_0: the loss at the start, as if it could
//             fall to 0; gain and ||u||: of the last of them
//
// Site "*": all sites of the direction at once, so that the two directions' sizes at equal cost stand side by side.
//
// At the end rules to paste: every site and direction at its largest size within, all scaled by one factor of 1,
// 1/sqrt(2), 1/2, ... until all rules together are within the budget; each factor is tried on seeds of its own, that
// the search has not used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/interval.h"
#include "gradquake/compare/networks.h"
#include "gradquake/compare/screen.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"

namespace gradquake::compare {

// What the theory's prediction takes from the run, measured before anything is trained.
struct Terrain {
  double smoothness = 0;         // L
  double gradient_variance = 0;  // sigma^2, of a batch
  double learning_rate = 0;      // gamma
  std::string reason;            // why there is no prediction
};

struct TriedSize {
  double size = 0;  // relative; or steps between occurrences
  Interval cost;
};

struct BudgetRow {
  std::string kind, site;  // "*": all at once
  Direction direction = Direction::kForward;
  std::int64_t elements = 0;  // at the site, a batch
  std::int64_t macs = 0;      // of the operators from the tap before to it, a clean forward pass of a batch
  std::optional<double> screen = {}, theory = {};
  std::optional<double> within = {}, beyond = {};                          // relative sizes
  std::optional<std::int64_t> interval_within = {}, interval_beyond = {};  // steps
  std::vector<TriedSize> sizes = {}, intervals = {};                       // ascending
};

// Of one kind: all sites and directions together.
struct BudgetRules {
  std::string kind;
  std::vector<Rule> rules = {};  // empty: see reason
  double factor = 1;
  std::optional<Interval> cost = {};  // of them together, on seeds of their own
  std::string reason = {};
};

struct Budget {
  double cost = 0.05;  // as asked for
  std::int64_t steps = 0, seeds = 0;
  double burst = 1;
  std::string theory_reason;
  std::vector<BudgetRow> rows;  // by kind, site, direction; all at once last
  std::vector<BudgetRules> rules;
};

// `seed`: of the first networks. `screen`: of the last step looked at. Throws UserError where no kind has a size.
GRADQUAKE_EXPORT Budget budget(const CompareConfig& asked, const Screen& screen, const Terrain& terrain,
                               std::uint64_t seed, Networks& networks);

// The rules as a config's list, a line each.
GRADQUAKE_EXPORT std::string rules_text(const std::vector<Rule>& rules);

}  // namespace gradquake::compare
