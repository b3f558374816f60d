#include "gradquake/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "gradquake/compare/figures.h"
#include "gradquake/report/csv.h"
#include "gradquake/report/heat_map.h"
#include "gradquake/report/print.h"

namespace gradquake::compare {
namespace {

using nlohmann::ordered_json;

// What stands at a site in the two directions.
struct Pair {
  const SiteScreen *forward, *backward;
};

std::vector<Pair> pairs_of(const Screen& screen) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i + 1 < screen.sites.size(); i += 2)
    pairs.push_back({&screen.sites[i], &screen.sites[i + 1]});
  return pairs;
}

void print_at(std::ostream& out, const Comparison& comparison, const Comparison::At& at) {
  const std::vector<Pair> pairs = pairs_of(at.screen);
  std::size_t width = 4;
  for (const Pair& pair : pairs) width = std::max(width, pair.forward->site.size());
  out << fmt::format("{} at step {}: {} vectors, ||u|| {}\n", comparison.name, at.step, at.screen.vectors,
                     report::number_text(at.screen.gradient_norm));
  constexpr int kGain = 26, kSize = 30;
  out << fmt::format("  {:<{}}  {:<{}} {:<{}} {:<{}} {}\n", "", width, "forward: gain", kGain, "largest size", kSize,
                     "backward: gain", kGain, "largest size");
  for (const Pair& pair : pairs) {
    out << fmt::format("  {:<{}}  {:<{}} {:<{}} {:<{}} {}\n", pair.forward->site, width, text_of(pair.forward->gain),
                       kGain, text_of(pair.forward->largest_size(comparison.share)), kSize,
                       text_of(pair.backward->gain), kGain, text_of(pair.backward->largest_size(comparison.share)));
  }
  if (at.screen.vectors == 0) out << "  " << pairs[0].forward->reason << '\n';
}

constexpr std::pair<const char*, std::optional<Interval> ProbeCell::*> kFigures[] = {
    {"amplification", &ProbeCell::amplification},
    {"relative_error", &ProbeCell::relative_error},
    {"bias_squared", &ProbeCell::bias_squared},
    {"cosine", &ProbeCell::cosine},
    {"loss_change", &ProbeCell::loss_change},
    {"sqnr_db", &ProbeCell::sqnr_db},
    {"exponent", &ProbeCell::exponent},
    {"kink", &ProbeCell::kink},
    {"one_out", &ProbeCell::one_out},
    {"bound_ratio", &ProbeCell::bound_ratio}};

constexpr double kRounding = 1e-12;  // of float64, in a share of squares

std::string text_of(const std::optional<Rank>& rank) {
  if (!rank) return "-";
  return rank->first == rank->last ? std::to_string(rank->first) : fmt::format("{}-{}", rank->first, rank->last);
}

// What does not average out over draws, as a share of the squared error.
std::string bias_share(const ProbeCell& cell) {
  if (!cell.bias_squared) return "-";
  if (cell.repeats == 1) return "1, without a draw";
  const Interval share = power_of(*cell.bias_squared, 1, std::pow(cell.relative_error->estimate, -2));
  return std::abs(share.estimate) < kRounding ? "0, but for rounding" : text_of(share);
}

// Of one kind, a table a direction: the error at each size, and how it grows; or the error of what comes as it is.
void print_probe(std::ostream& out, const Comparison::At& at, Direction direction, const std::string& kind) {
  std::vector<const ProbeCell*> cells;
  std::vector<std::optional<double>> sizes;
  constexpr const char* kAll = "all at once";
  std::size_t width = std::string_view(kAll).size();
  for (const ProbeCell& cell : at.probe.cells) {
    if (cell.direction != direction || cell.kind != kind) continue;
    cells.push_back(&cell);
    width = std::max(width, cell.site.size());
    if (std::find(sizes.begin(), sizes.end(), cell.relative_size) == sizes.end()) sizes.push_back(cell.relative_size);
  }
  std::vector<const Together*> together;
  for (const Together& one : at.probe.together)
    if (one.all.direction == direction && one.all.kind == kind) together.push_back(&one);
  const bool sized = sizes[0].has_value();
  out << fmt::format("\n{}, {}: relative error of the gradient{}\n  {:<{}}  ", kind, to_text(direction),
                     sized ? " at relative sizes" : "", "", width);
  for (const std::optional<double>& size : sizes) out << column(size ? percent(*size) : "relative error");
  out << fmt::format("{:<8}", "rank") << column(sized ? "exponent" : "SQNR at the site, dB")
      << column("bias^2 / error^2") << "against the screen\n";
  const auto errors = [&](const std::string& name, const auto& cell_of) {
    out << fmt::format("  {:<{}}  ", name, width);
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      const ProbeCell& cell = cell_of(k);
      out << column(cell.reason.empty() ? text_of(cell.relative_error) : cell.reason);
    }
  };
  for (std::size_t i = 0; i < cells.size(); i += sizes.size()) {
    errors(cells[i]->site, [&](std::size_t k) -> const ProbeCell& { return *cells[i + k]; });
    const ProbeCell& largest = *cells[i + sizes.size() - 1];
    out << fmt::format("{:<8}", text_of(largest.rank)) << column(text_of(sized ? largest.exponent : largest.sqnr_db))
        << column(bias_share(largest)) << text_of(largest.kink) << '\n';
  }
  if (together.empty()) return;
  errors(kAll, [&](std::size_t k) -> const ProbeCell& { return together[k]->all; });
  const Together& largest = *together.back();
  out << fmt::format("{:<8}", "") << column("") << bias_share(largest.all) << '\n';
  out << fmt::format("  squared error of all at once over the sum of them alone: {}", text_of(largest.squared_error));
  if (largest.depth_slope) {
    const Interval& slope = *largest.depth_slope;
    const Interval factor{std::exp(slope.estimate), std::exp(slope.low), std::exp(slope.high)};
    out << "; a further site multiplies the amplification by " << text_of(factor);
  }
  out << '\n';
}

void print_probes(std::ostream& out, const Comparison::At& at) {
  std::vector<std::string> kinds;
  for (const ProbeCell& cell : at.probe.cells)
    if (std::find(kinds.begin(), kinds.end(), cell.kind) == kinds.end()) kinds.push_back(cell.kind);
  for (const std::string& kind : kinds)
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) print_probe(out, at, direction, kind);
  if (at.probe.needed > 0)
    out << fmt::format("\n{} operators were run, forward or backward, {:.3f} times those that the draws need\n",
                       at.probe.run, static_cast<double>(at.probe.run) / static_cast<double>(at.probe.needed));
}

void print_legend(std::ostream& out, const Comparison& comparison) {
  out << fmt::format(
      "gain: relative error of the gradient per relative size of independent noise at the site, to first order\n"
      "largest size: that noise, relative to the tensor, at which the gradient is off by {} of itself\n"
      "[low, high]: 95 % intervals over vectors and batches\n",
      percent(comparison.share));
  if (comparison.at.front().probe.cells.empty()) return;
  out << "exponent: of the squared error against the size; 2 where operators are smooth, less where masks flip\n"
         "bias^2 / error^2: what does not average out over draws, at the largest size; against the screen: measured "
         "error\n"
         "over that of first order, at the largest size\n"
         "rank: by the error at the largest size, 1 the worst; a range where batches cannot tell sites apart\n";
}

}  // namespace

void print_comparison(std::ostream& out, const Comparison& comparison) {
  for (const Comparison::At& at : comparison.at) {
    print_at(out, comparison, at);
    print_probes(out, at);
    out << '\n';
  }
  if (!comparison.at.empty()) print_legend(out, comparison);
  if (comparison.outcome && !comparison.at.empty()) out << '\n';
  if (comparison.outcome) print_outcome(out, *comparison.outcome);
  if (comparison.budget) {
    out << '\n';
    print_budget(out, *comparison.budget);
  }
}

namespace {

ordered_json json_of(const ProbeCell& cell) {
  ordered_json row{{"site", cell.site},
                   {"direction", to_text(cell.direction)},
                   {"kind", cell.kind},
                   {"relative_size", nullptr},
                   {"repeats", cell.repeats}};
  if (cell.relative_size) row["relative_size"] = *cell.relative_size;
  for (const auto& [name, figure] : kFigures) row[name] = json_of(cell.*figure);
  row["rank"] = nullptr;
  if (cell.rank) row["rank"] = {cell.rank->first, cell.rank->last};
  if (!cell.reason.empty()) row["reason"] = cell.reason;
  if (!cell.bound_reason.empty()) row["bound_reason"] = cell.bound_reason;
  return row;
}

ordered_json json_of(const Together& together) {
  ordered_json row = json_of(together.all);
  for (const char* own : {"site", "rank", "exponent", "kink", "one_out", "bound_ratio", "sqnr_db"}) row.erase(own);
  row["additivity"] = {{"squared_error", json_of(together.squared_error)},
                       {"bias_squared", json_of(together.bias_squared)},
                       {"loss_change", json_of(together.loss_change)}};
  row["depth_slope"] = json_of(together.depth_slope);
  return row;
}

}  // namespace

ordered_json comparison_json(const Comparison& comparison) {
  ordered_json json{{"name", comparison.name}, {"share", comparison.share}, {"at", ordered_json::array()}};
  for (const Comparison::At& at : comparison.at) {
    ordered_json one{{"step", at.step},
                     {"vectors", at.screen.vectors},
                     {"gradient_norm", at.screen.gradient_norm},
                     {"evaluations", {{"run", at.probe.run}, {"needed", at.probe.needed}}},
                     {"screen", ordered_json::array()}};
    for (const SiteScreen& site : at.screen.sites) {
      ordered_json row{{"site", site.site},
                       {"direction", to_text(site.direction)},
                       {"elements", site.elements},
                       {"gain", json_of(site.gain)},
                       {"largest_size", json_of(site.largest_size(comparison.share))}};
      if (!site.reason.empty()) row["reason"] = site.reason;
      one["screen"].push_back(std::move(row));
    }
    for (const ProbeCell& cell : at.probe.cells) one["probe"].push_back(json_of(cell));
    for (const Together& together : at.probe.together) one["together"].push_back(json_of(together));
    json["at"].push_back(std::move(one));
  }
  if (comparison.outcome) json["outcome"] = outcome_json(*comparison.outcome);
  if (comparison.budget) json["budget"] = budget_json(*comparison.budget);
  return json;
}

std::string probe_csv(const Comparison& comparison) {
  if (comparison.at.empty() || comparison.at.front().probe.cells.empty()) return "";
  std::ostringstream text;
  std::vector<std::string> columns{"step", "site", "direction", "kind", "relative_size", "repeats"};
  for (const auto& [name, figure] : kFigures)
    for (const char* end : {"", "_low", "_high"}) columns.push_back(std::string(name) + end);
  columns.insert(columns.end(), {"rank_first", "rank_last", "bound_reason"});
  report::CsvWriter csv(text, columns);
  const auto write = [&](std::int64_t step, const std::string& site, const ProbeCell& cell) {
    std::vector<report::CsvField> row{step, site, to_text(cell.direction), cell.kind};
    row.push_back(cell.relative_size ? report::CsvField(*cell.relative_size) : report::CsvField(std::nullopt));
    row.emplace_back(cell.repeats);
    for (const auto& [name, figure] : kFigures) add_fields(cell.*figure, row);
    row.push_back(cell.rank ? report::CsvField(cell.rank->first) : report::CsvField(std::nullopt));
    row.push_back(cell.rank ? report::CsvField(cell.rank->last) : report::CsvField(std::nullopt));
    row.emplace_back(cell.bound_reason);
    csv.row(row);
  };
  for (const Comparison::At& at : comparison.at) {
    for (const ProbeCell& cell : at.probe.cells) write(at.step, cell.site, cell);
    for (const Together& one : at.probe.together) write(at.step, "*", one.all);
  }
  return text.str();
}

std::string screen_csv(const Comparison& comparison) {
  std::ostringstream text;
  report::CsvWriter csv(text, {"step", "site", "direction", "elements", "gain", "gain_low", "gain_high", "largest_size",
                               "largest_size_low", "largest_size_high"});
  for (const Comparison::At& at : comparison.at) {
    for (const SiteScreen& site : at.screen.sites) {
      std::vector<report::CsvField> row{at.step, site.site, to_text(site.direction), site.elements};
      add_fields(site.gain, row);
      add_fields(site.largest_size(comparison.share), row);
      csv.row(row);
    }
  }
  return text.str();
}

namespace {

constexpr int kGainScale = 0, kErrorScale = 1;

report::HeatCell cell_of(const std::optional<Interval>& figure, const std::string& reason) {
  if (figure) return {figure->estimate, text_of(figure)};
  return {std::nullopt, reason.empty() ? "-" : reason};
}

// The cells of one site and direction: its gain, and each kind's error at each size.
std::vector<report::HeatCell> map_cells(const Probe& probe, const SiteScreen& site) {
  std::vector<report::HeatCell> cells{cell_of(site.gain, site.reason)};
  for (const ProbeCell& cell : probe.cells)
    if (cell.site == site.site && cell.direction == site.direction)
      cells.push_back(cell_of(cell.relative_error, cell.reason));
  return cells;
}

std::vector<report::HeatMap::Column> map_columns(const Probe& probe, Direction direction) {
  std::vector<report::HeatMap::Column> columns{{"gain, to first order", kGainScale}};
  std::string first;  // site: its cells are the columns of all
  for (const ProbeCell& cell : probe.cells) {
    if (cell.direction != direction) continue;
    if (first.empty()) first = cell.site;
    if (cell.site != first) break;
    columns.push_back({cell.kind + (cell.relative_size ? " " + percent(*cell.relative_size) : ""), kErrorScale});
  }
  return columns;
}

}  // namespace

std::string map_svg(const Comparison& comparison) {
  const Comparison::At& at = comparison.at.back();
  std::string subtitle = "gain: relative error of the gradient per relative size of independent noise";
  if (!at.probe.cells.empty()) subtitle += "; beside it the error measured under each kind and relative size";
  report::HeatMap map{.title = comparison.name + ": what noise does to the gradient",
                      .subtitle = fmt::format("{}; step {}, 95 % intervals", subtitle, at.step),
                      .columns = {},
                      .groups = {},
                      .rows = {}};
  for (const auto& [direction, head] :
       {std::pair(Direction::kForward, "on the way forward"), std::pair(Direction::kBackward, "on the way back")}) {
    const std::vector<report::HeatMap::Column> columns = map_columns(at.probe, direction);
    map.groups.push_back({head, columns.size()});
    map.columns.insert(map.columns.end(), columns.begin(), columns.end());
  }
  for (const Pair& pair : pairs_of(at.screen)) {
    report::HeatMap::Row row{pair.forward->site, map_cells(at.probe, *pair.forward)};
    for (report::HeatCell& cell : map_cells(at.probe, *pair.backward)) row.cells.push_back(std::move(cell));
    map.rows.push_back(std::move(row));
  }
  return report::heat_map_svg(map);
}

}  // namespace gradquake::compare
