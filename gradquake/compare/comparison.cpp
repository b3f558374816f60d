#include "gradquake/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gradquake/report/csv.h"
#include "gradquake/report/heat_map.h"
#include "gradquake/report/print.h"

namespace gradquake::compare {
namespace {

using nlohmann::ordered_json;

// "2.1 [1.8, 2.5]"
std::string text_of(const std::optional<Interval>& figure) {
  if (!figure) return "-";
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", figure->estimate, figure->low, figure->high);
}

ordered_json json_of(const std::optional<Interval>& figure) {
  if (!figure) return nullptr;
  return {{"estimate", figure->estimate}, {"low", figure->low}, {"high", figure->high}};
}

std::string percent(double share) { return report::number_text(100 * share) + " %"; }

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
                       kGain, text_of(Screen::largest_size(*pair.forward, comparison.share)), kSize,
                       text_of(pair.backward->gain), kGain,
                       text_of(Screen::largest_size(*pair.backward, comparison.share)));
  }
}

}  // namespace

void print_comparison(std::ostream& out, const Comparison& comparison) {
  for (const Comparison::At& at : comparison.at) {
    print_at(out, comparison, at);
    out << '\n';
  }
  out << fmt::format(
      "gain: relative error of the gradient per relative size of independent noise at the site, to first order\n"
      "largest size: that noise, relative to the tensor, at which the gradient is off by {} of itself\n"
      "[low, high]: 95 % intervals over vectors and batches\n",
      percent(comparison.share));
}

ordered_json comparison_json(const Comparison& comparison) {
  ordered_json json{{"name", comparison.name}, {"share", comparison.share}, {"at", ordered_json::array()}};
  for (const Comparison::At& at : comparison.at) {
    ordered_json one{{"step", at.step},
                     {"vectors", at.screen.vectors},
                     {"gradient_norm", at.screen.gradient_norm},
                     {"screen", ordered_json::array()}};
    for (const SiteScreen& site : at.screen.sites) {
      ordered_json row{{"site", site.site},
                       {"direction", to_text(site.direction)},
                       {"elements", site.elements},
                       {"gain", json_of(site.gain)},
                       {"largest_size", json_of(Screen::largest_size(site, comparison.share))}};
      if (!site.reason.empty()) row["reason"] = site.reason;
      one["screen"].push_back(std::move(row));
    }
    json["at"].push_back(std::move(one));
  }
  return json;
}

std::string screen_csv(const Comparison& comparison) {
  std::ostringstream text;
  report::CsvWriter csv(text, {"step", "site", "direction", "elements", "gain", "gain_low", "gain_high", "largest_size",
                               "largest_size_low", "largest_size_high"});
  for (const Comparison::At& at : comparison.at) {
    for (const SiteScreen& site : at.screen.sites) {
      const auto size = Screen::largest_size(site, comparison.share);
      const auto part = [](const std::optional<Interval>& of, double Interval::*which) {
        return of ? report::CsvField((*of).*which) : report::CsvField(std::nullopt);
      };
      csv.row({at.step, site.site, to_text(site.direction), site.elements, part(site.gain, &Interval::estimate),
               part(site.gain, &Interval::low), part(site.gain, &Interval::high), part(size, &Interval::estimate),
               part(size, &Interval::low), part(size, &Interval::high)});
    }
  }
  return text.str();
}

std::string map_svg(const Comparison& comparison) {
  const Comparison::At& at = comparison.at.back();
  report::HeatMap map{
      .title = comparison.name + ": what noise does to the gradient",
      .subtitle = fmt::format("relative error of the gradient per relative size of noise, step {}, 95 % "
                              "intervals",
                              at.step),
      .columns = {"on the way forward", "on the way back"},
      .rows = {}};
  for (const Pair& pair : pairs_of(at.screen)) {
    report::HeatMap::Row row{pair.forward->site, {}};
    for (const SiteScreen* site : {pair.forward, pair.backward})
      row.cells.push_back({site->gain ? std::optional(site->gain->estimate) : std::nullopt,
                           site->gain ? text_of(site->gain) : site->reason});
    map.rows.push_back(std::move(row));
  }
  return report::heat_map_svg(map);
}

}  // namespace gradquake::compare
