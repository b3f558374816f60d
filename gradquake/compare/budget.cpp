#include "gradquake/compare/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gradquake/compare/budget_search.h"
#include "gradquake/core/error.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"
#include "gradquake/hooks/sites/glob.h"

namespace gradquake::compare {
namespace {

// Sizes are 2^(k/2): from a thousandth to 16 times the tensor.
constexpr int kLeastSize = -20, kMostSize = 8, kWholeFactor = 2;

double size_at(int k) { return std::exp2(k / 2.0); }

// One row's two searches.
struct Search {
  const ComparedKind* kind;
  BudgetRow row;
  BudgetSearch sizes, intervals;
};

std::string glob_of(const CompareConfig& asked, const BudgetRow& row) {
  return row.site == "*" ? asked.sites : literal_glob(row.site);
}

// `every`: steps between occurrences.
Rule rule_of(const CompareConfig& asked, const Search& search, double size, std::int64_t every) {
  Rule rule{.label = "budget",
            .sites = glob_of(asked, search.row),
            .direction = search.row.direction,
            .perturbation = search.kind->at(size)};
  if (every > 1) rule.schedule = {"every", {{"interval", every}, {"offset", every / 2}}};
  return rule;
}

// Networks of `seeds` seeds from `first` on.
std::vector<WantedNetwork> wanted(const std::string& name, const std::vector<Rule>& rules, const BudgetConfig& config,
                                  std::uint64_t first) {
  std::vector<WantedNetwork> list;
  for (std::int64_t k = 0; k < config.seeds; ++k)
    list.push_back({name, first + static_cast<std::uint64_t>(k), config.steps, rules});
  return list;
}

std::vector<Network> part_of(const std::vector<Network>& networks, std::size_t part, std::int64_t seeds) {
  const auto begin = networks.begin() + static_cast<std::ptrdiff_t>(part) * seeds;
  return {begin, begin + seeds};
}

std::optional<double> said_by_theory(const Terrain& terrain, const BudgetConfig& config, double gain,
                                     double gradient_norm, double first_loss) {
  if (!terrain.reason.empty()) return std::nullopt;
  const double gamma = terrain.learning_rate, T = static_cast<double>(config.steps);
  const double e2 = first_loss / (terrain.smoothness * gamma * gamma * T) + terrain.gradient_variance;
  return std::sqrt(e2) / (gain * gradient_norm);
}

// All at once: independent noise of one relative size adds up in squares.
std::optional<double> gain_of(const Screen& screen, const BudgetRow& row) {
  double squares = 0;
  for (const SiteScreen& one : screen.sites) {
    if (one.direction != row.direction || (row.site != "*" && row.site != one.site)) continue;
    if (!one.gain) return std::nullopt;
    squares += one.gain->estimate * one.gain->estimate;
  }
  return std::sqrt(squares);
}

class Rounds {
 public:
  Rounds(const CompareConfig& asked, std::uint64_t seed, std::vector<Network> clean, Networks& networks)
      : asked_(asked), seed_(seed), clean_(std::move(clean)), networks_(networks) {}

  // Every search goes one round further; false: none had to.
  bool advance(std::vector<Search>& searches) {
    struct Trial {
      BudgetSearch* search;
      int k;
    };
    std::vector<Trial> trials;
    std::vector<WantedNetwork> list;
    for (Search& search : searches) {
      const std::string where =
          fmt::format("{}, {} {}", search.kind->label, search.row.site, to_text(search.row.direction));
      for (const int k : search.sizes.next()) {
        trials.push_back({&search.sizes, k});
        append(list, fmt::format("{}, size {:.4g}", where, size_at(k)), rule_of(asked_, search, size_at(k), 1));
      }
      for (const int k : search.intervals.next()) {
        trials.push_back({&search.intervals, k});
        const std::int64_t every = std::int64_t{1} << -k;
        append(list, fmt::format("{}, size {:.4g}, every {}", where, asked_.budget.burst, every),
               rule_of(asked_, search, asked_.budget.burst, every));
      }
    }
    if (trials.empty()) return false;
    const std::vector<Network> trained = networks_.train(list);
    for (std::size_t i = 0; i < trials.size(); ++i)
      trials[i].search->add(trials[i].k, costs_of(part_of(trained, i, asked_.budget.seeds), clean_));
    return true;
  }

 private:
  void append(std::vector<WantedNetwork>& list, const std::string& name, const Rule& rule) const {
    for (WantedNetwork& one : wanted(name, {rule}, asked_.budget, seed_)) list.push_back(std::move(one));
  }

  const CompareConfig& asked_;
  std::uint64_t seed_;
  std::vector<Network> clean_;
  Networks& networks_;
};

// The ladder of intervals goes down from -k = 0, every step, where it costs most; k = -log2 of the steps between.
BudgetSearch interval_search(const BudgetConfig& config) {
  const int longest = static_cast<int>(std::floor(std::log2(static_cast<double>(config.steps))));
  return {config.cost, -longest, 0, 0, 1};
}

std::vector<Search> searches_of(const CompareConfig& asked, const Screen& screen, const Terrain& terrain,
                                double first_loss) {
  std::vector<Search> searches;
  const auto add = [&](const ComparedKind& kind, const SiteScreen& at) {
    BudgetRow row{
        .kind = kind.label, .site = at.site, .direction = at.direction, .elements = at.elements, .macs = at.macs};
    int start = 0;
    if (const std::optional<double> gain = gain_of(screen, row); gain && *gain > 0) {
      row.screen = asked.share / *gain;
      row.theory = said_by_theory(terrain, asked.budget, *gain, screen.gradient_norm, first_loss);
      start = kWholeFactor * static_cast<int>(std::lround(std::log2(*row.screen)));
    }
    searches.push_back({&kind, std::move(row),
                        BudgetSearch(asked.budget.cost, kLeastSize, kMostSize, start, kWholeFactor),
                        interval_search(asked.budget)});
  };
  for (const ComparedKind& kind : asked.kinds) {
    if (!kind.sized) continue;
    for (const SiteScreen& site : screen.sites) add(kind, site);
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      SiteScreen all{.site = "*", .direction = direction, .gain = std::nullopt, .reason = ""};
      for (const SiteScreen& site : screen.sites) {
        if (site.direction != direction) continue;
        all.elements += site.elements;
        all.macs += site.macs;
      }
      add(kind, all);
    }
  }
  return searches;
}

BudgetRow row_of(const Search& search) {
  BudgetRow row = search.row;
  if (const std::optional<int> k = search.sizes.within()) row.within = size_at(*k);
  if (const std::optional<int> k = search.sizes.beyond()) row.beyond = size_at(*k);
  if (const std::optional<int> k = search.intervals.within()) row.interval_within = std::int64_t{1} << -*k;
  if (const std::optional<int> k = search.intervals.beyond()) row.interval_beyond = std::int64_t{1} << -*k;
  for (const auto& [k, cost] : search.sizes.costs()) row.sizes.push_back({size_at(k), cost});
  for (const auto& [k, cost] : search.intervals.costs()) row.intervals.push_back({std::exp2(-k), cost});
  std::reverse(row.intervals.begin(), row.intervals.end());
  return row;
}

// Two significant digits, never rounded up: what is pasted is what was tried.
double rounded_down(double size) {
  const double unit = std::pow(10, std::floor(std::log10(size)) - 1);
  return std::stod(fmt::format("{:.2g}", std::floor(size / unit) * unit));
}

BudgetRules rules_of(const CompareConfig& asked, const ComparedKind& kind, const std::vector<BudgetRow>& rows,
                     std::uint64_t seed, Networks& networks) {
  constexpr int kFactors = 12;
  BudgetRules result{.kind = kind.label};
  const auto at = [&](double factor) {
    std::vector<Rule> rules;
    for (const BudgetRow& row : rows) {
      if (row.kind != kind.label || row.site == "*" || !row.within) continue;
      rules.push_back({.label = fmt::format("{} {}", to_text(row.direction), row.site),
                       .sites = literal_glob(row.site),
                       .direction = row.direction,
                       .perturbation = kind.at(rounded_down(factor * *row.within))});
    }
    return rules;
  };
  if (at(1).empty()) {
    result.reason = "no size of any site was shown within the budget";
    return result;
  }
  for (int k = 0; k < kFactors; ++k) {
    const double factor = size_at(-k);
    const std::uint64_t first = seed + static_cast<std::uint64_t>((k + 1) * asked.budget.seeds);
    std::vector<WantedNetwork> list =
        wanted(fmt::format("{}, all rules times {:.4g}", kind.label, factor), at(factor), asked.budget, first);
    for (WantedNetwork& clean : wanted("", {}, asked.budget, first)) list.push_back(std::move(clean));
    const std::vector<Network> trained = networks.train(list);
    const Interval cost =
        mean_of(costs_of(part_of(trained, 0, asked.budget.seeds), part_of(trained, 1, asked.budget.seeds)));
    if (cost.high >= asked.budget.cost) continue;
    result.factor = factor;
    result.cost = cost;
    result.rules = at(factor);
    return result;
  }
  result.reason =
      fmt::format("all together cost more than the budget even at {:.2g} of their sizes", size_at(1 - kFactors));
  return result;
}

}  // namespace

Budget budget(const CompareConfig& asked, const Screen& screen, const Terrain& terrain, std::uint64_t seed,
              Networks& networks) {
  if (std::none_of(asked.kinds.begin(), asked.kinds.end(), [](const ComparedKind& one) { return one.sized; }))
    throw UserError("compare", "expected a kind with a size (a key scale) in compare.kinds for the budget, got none");
  Budget result;
  result.cost = asked.budget.cost;
  result.steps = asked.budget.steps;
  result.seeds = asked.budget.seeds;
  result.burst = asked.budget.burst;
  result.theory_reason = terrain.reason;
  const std::vector<Network> clean = networks.train(wanted("", {}, asked.budget, seed));
  double first_loss = 0;
  for (const Network& one : clean) first_loss += one.first_loss / static_cast<double>(clean.size());
  std::vector<Search> searches = searches_of(asked, screen, terrain, first_loss);
  Rounds rounds(asked, seed, clean, networks);
  while (rounds.advance(searches)) {
  }
  for (const Search& search : searches) result.rows.push_back(row_of(search));
  for (const ComparedKind& kind : asked.kinds)
    if (kind.sized) result.rules.push_back(rules_of(asked, kind, result.rows, seed, networks));
  return result;
}

std::string rules_text(const std::vector<Rule>& rules) {
  std::string text = "perturbations:\n";
  for (const Rule& rule : rules) {
    text += fmt::format("  - {{label: {}, sites: {}, direction: {}, kind: {}", KindValue(rule.label).text(),
                        KindValue(rule.sites).text(), to_text(rule.direction), rule.perturbation.kind);
    const std::vector<Parameter>& parameters = perturbations().find(rule.perturbation.kind).parameters;
    for (const Parameter& parameter : parameters) {
      const KindValue* const value = rule.perturbation.find(parameter.name);
      if (value == nullptr || value->is_null()) continue;
      if (parameter.default_value && parameter.default_value->text() == value->text()) continue;
      text += fmt::format(", {}: {}", parameter.name, value->text());
    }
    text += "}\n";
  }
  return text;
}

}  // namespace gradquake::compare
