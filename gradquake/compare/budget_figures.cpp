#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gradquake/compare/comparison.h"
#include "gradquake/compare/figures.h"
#include "gradquake/report/print.h"

namespace gradquake::compare {
namespace {

using nlohmann::ordered_json;

// "[0.35, 0.5]": shown within, shown beyond. "> 16", "< 0.001": nothing tried was beyond, within.
template <class Number>
std::string bracket(const std::optional<Number>& low, const std::optional<Number>& high,
                    const std::vector<TriedSize>& tried) {
  if (low && high) return fmt::format("[{:.3g}, {:.3g}]", static_cast<double>(*low), static_cast<double>(*high));
  if (low) return fmt::format("> {:.3g}", static_cast<double>(*low));
  if (high) return fmt::format("< {:.3g}", static_cast<double>(*high));
  return tried.empty() ? "-" : "undecided";
}

std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.3g}", *value) : "-"; }

// Fewest steps shown within, most shown beyond. One that is within at every step needs no interval.
std::string interval_text(const BudgetRow& row) {
  if (row.interval_within && *row.interval_within == 1) return "every step";
  if (!row.interval_within && row.interval_beyond) return fmt::format("> {}", *row.interval_beyond);
  if (!row.interval_within) return "undecided";
  return row.interval_beyond ? fmt::format("[{}, {}]", *row.interval_beyond, *row.interval_within)
                             : fmt::format("<= {}", *row.interval_within);
}

template <class Number>
ordered_json number_json(const std::optional<Number>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json tried_json(const std::vector<TriedSize>& tried, const char* name) {
  ordered_json list = ordered_json::array();
  for (const TriedSize& one : tried) list.push_back({{name, one.size}, {"cost", json_of(one.cost)}});
  return list;
}

}  // namespace

void print_budget(std::ostream& out, const Budget& budget) {
  std::size_t width = 4;
  for (const BudgetRow& row : budget.rows) width = std::max(width, row.site.size());
  constexpr int kCell = 14;
  const std::string every = fmt::format("steps between, size {:.3g}", budget.burst);
  for (const BudgetRules& rules : budget.rules) {
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      out << fmt::format("{}, {}: what costs less than {} of the evaluation loss ({} steps, {} seeds)\n", rules.kind,
                         to_text(direction), percent(budget.cost), budget.steps, budget.seeds);
      out << fmt::format("  {:<{}}  {:<{}}{:<{}}{:<{}}{:<{}}{:<{}}{}\n", "site", width, "elements", kCell, "MACs",
                         kCell, "screen", kCell, "theory (34)", kCell, "size", 2 * kCell, every);
      for (const BudgetRow& row : budget.rows) {
        if (row.kind != rules.kind || row.direction != direction) continue;
        out << fmt::format("  {:<{}}  {:<{}}{:<{}}{:<{}}{:<{}}{:<{}}{}\n", row.site, width, row.elements, kCell,
                           row.macs, kCell, number(row.screen), kCell, number(row.theory), kCell,
                           bracket(row.within, row.beyond, row.sizes), 2 * kCell, interval_text(row));
      }
    }
  }
  out << "elements, MACs: at the site, and of the operators that lead to it from the tap before, a batch\n"
         "size: [largest shown within, smallest shown beyond], relative to the tensor, at every step; *: all sites at "
         "once\n"
         "screen, theory: said beforehand; the size at which the gradient is off by the screen's share, and at which "
         "the\nnoise's term of (34) equals the optimisation's\n";
  if (!budget.theory_reason.empty()) out << "no theory: " << budget.theory_reason << '\n';
  for (const BudgetRules& rules : budget.rules) {
    out << '\n';
    if (rules.rules.empty()) {
      out << rules.kind << ": no rules: " << rules.reason << '\n';
      continue;
    }
    out << fmt::format("# {} everywhere, each size times {:.3g}: cost {} on {} seeds of their own\n{}", rules.kind,
                       rules.factor, text_of(rules.cost), budget.seeds, rules_text(rules.rules));
  }
}

ordered_json budget_json(const Budget& budget) {
  ordered_json json{{"cost", budget.cost},   {"steps", budget.steps},         {"seeds", budget.seeds},
                    {"burst", budget.burst}, {"rows", ordered_json::array()}, {"rules", ordered_json::array()}};
  if (!budget.theory_reason.empty()) json["theory_reason"] = budget.theory_reason;
  for (const BudgetRow& row : budget.rows) {
    json["rows"].push_back({{"kind", row.kind},
                            {"site", row.site},
                            {"direction", to_text(row.direction)},
                            {"elements", row.elements},
                            {"macs", row.macs},
                            {"screen", number_json(row.screen)},
                            {"theory", number_json(row.theory)},
                            {"within", number_json(row.within)},
                            {"beyond", number_json(row.beyond)},
                            {"interval_within", number_json(row.interval_within)},
                            {"interval_beyond", number_json(row.interval_beyond)},
                            {"sizes", tried_json(row.sizes, "size")},
                            {"intervals", tried_json(row.intervals, "interval")}});
  }
  for (const BudgetRules& rules : budget.rules) {
    ordered_json one{{"kind", rules.kind},
                     {"factor", rules.factor},
                     {"cost", json_of(rules.cost)},
                     {"text", rules.rules.empty() ? "" : rules_text(rules.rules)}};
    if (!rules.reason.empty()) one["reason"] = rules.reason;
    json["rules"].push_back(std::move(one));
  }
  return json;
}

std::string budget_csv(const Comparison& comparison) {
  if (!comparison.budget) return "";
  std::ostringstream text;
  report::CsvWriter csv(text, {"kind", "site", "direction", "elements", "macs", "screen", "theory", "within", "beyond",
                               "interval_within", "interval_beyond"});
  const auto field = [](const auto& value) {
    return value ? report::CsvField(*value) : report::CsvField(std::nullopt);
  };
  for (const BudgetRow& row : comparison.budget->rows) {
    csv.row({row.kind, row.site, to_text(row.direction), row.elements, row.macs, field(row.screen), field(row.theory),
             field(row.within), field(row.beyond), field(row.interval_within), field(row.interval_beyond)});
  }
  return text.str();
}

}  // namespace gradquake::compare
