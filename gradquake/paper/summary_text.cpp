#include "gradquake/paper/summary_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "gradquake/paper/run_lists.h"

namespace gradquake::paper {
namespace {

std::string with_interval(const Estimate& e) {
  if (!std::isfinite(e.value)) return "-";
  if (e.seeds == 0 || !std::isfinite(e.low)) return fmt::format("{:.3g}", e.value);
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", e.value, e.low, e.high);
}

std::string claims_table(const std::vector<Claim>& claims) {
  std::string text = "| claim | verdict | headline estimate, 95 % interval |\n|---|---|---|\n";
  for (const Claim& claim : claims) {
    const ClaimRow& row = claim.rows.front();
    text += fmt::format("| ({}) {} | **{}** | {} ({}): {} |\n", claim.id, claim.statement, claim.verdict, row.what,
                        row.where, with_interval(row.estimate));
  }
  return text;
}

// One line a panel, its step sizes side by side.
std::string levels_table(const Settings& settings, const RunStore& store, const std::vector<RunSpec>& runs) {
  std::string text = "| regularizer | direction | draw | sigma | interval |", rule = "|---|---|---|---|---|";
  for (const double gamma : settings.step_sizes) {
    text += fmt::format(" gamma {} |", gamma);
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  std::set<std::string> shown;
  for (RunSpec run : runs) {
    const std::string panel =
        fmt::format("| {} {} | {}{} | {} | {} | {} |", run.regularizer.name(), run.regularizer.weight,
                    run.direction_name(), run.biased ? ", biased" : "", run.draw_name(), run.sigma, run.interval);
    if (!shown.insert(panel).second) continue;
    text += panel;
    for (const double gamma : settings.step_sizes) {
      std::vector<double> levels;
      for (const std::int64_t seed : settings.seeds) {
        run.gamma = gamma;
        run.seed = seed;
        levels.push_back(store.find(run.key(settings))->stable_grad_norm);
      }
      text += fmt::format(" {:.3g} |", mean_of(levels).value);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string summary_text(const Settings& settings, const RunStore& store, const std::vector<int>& figures,
                         const nlohmann::ordered_json& work, const std::vector<Claim>& claims) {
  std::string text = fmt::format(
      "{}, {}, {}, {} threads: {} runs, {:.3g} replica-steps, {:.0f} processor seconds, {:.0f} ns a replica-step; "
      "{} of the runs made at the last start, in {:.0f} s.\n\n",
      work.at("date").get<std::string>(), work.at("processor").get<std::string>(),
      work.at("instruction_set").get<std::string>(), settings.threads, work.at("runs").get<std::size_t>(),
      work.at("replica_steps").get<double>(), work.at("processor_seconds").get<double>(),
      work.at("ns_per_replica_step").get<double>(), work.at("runs_of_this_process").get<std::size_t>(),
      work.at("seconds_of_this_process").get<double>());
  text += claims_table(claims);
  for (const Claim& claim : claims) text += fmt::format("\n({}) {}.\n", claim.id, claim.reason);
  for (const int figure : figures) {
    text += fmt::format("\nFigure {}, stable gradient norm:\n\n", figure);
    text += levels_table(settings, store, figure_runs(settings, figure));
  }
  text +=
      "\nStandard SGD:\n\n" +
      levels_table(settings, store,
                   standard_runs(settings, figures.size() == 1 ? std::optional<int>(figures.front()) : std::nullopt));
  return text;
}

}  // namespace gradquake::paper
