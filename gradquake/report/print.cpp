#include "gradquake/report/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace gradquake::report {
namespace {

using Row = std::vector<std::string>;

// Columns two spaces apart, as wide as their widest cell; no trailing spaces.
void print_table(std::ostream& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("  {:<{}}", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

std::string number(const std::optional<double>& value) { return value ? number_text(*value) : "-"; }

std::string cause(const SpikeRecord& spike) {
  if (spike.causes.empty()) return "natural";
  const SpikeCause& nearest = spike.causes.front();
  auto text = fmt::format("{} {} {}", nearest.rule, nearest.direction, nearest.site);
  if (nearest.steps_ago > 0) text += fmt::format(", {} before", nearest.steps_ago);
  if (spike.causes.size() > 1) text += fmt::format(" (+{})", spike.causes.size() - 1);
  return text;
}

std::string size(const SpikeRecord& spike) {
  if (spike.detector == "nonfinite") return "not finite";
  if (spike.grad_error && *spike.grad_error > 0 && spike.clean_grad_norm) {
    const double ratio = *spike.grad_error / *spike.clean_grad_norm;
    if (std::isfinite(ratio)) return ratio < 1e6 ? fmt::format("{:.1f}x", ratio) : fmt::format("{:.1e}x", ratio);
  }
  return spike.score ? fmt::format("score {:.1f}", *spike.score) : "-";
}

std::string recovery(const SpikeRecord& spike) {
  if (!spike.observed_recovery_steps) return "-";
  return *spike.observed_recovery_steps == 0 ? "never left" : std::to_string(*spike.observed_recovery_steps);
}

// progress_lost is measured by what was learned, which a run that explodes exceeds without bound.
std::string loss_of_progress(double lost) {
  if (!(lost <= 1)) return "more than all of the progress lost";
  return fmt::format("{:.1f} % of the progress lost", 100 * lost);
}

void print_spikes(std::ostream& out, const std::vector<SpikeRecord>& spikes) {
  if (spikes.empty()) {
    out << "Spikes: none\n";
    return;
  }
  out << "Spikes\n";
  std::vector<Row> rows = {{"step", "cause", "size", "layer", "verdict", "steps to recover"}};
  for (std::size_t i = 0; i < std::min(spikes.size(), kMostSpikeRows); ++i) {
    const SpikeRecord& spike = spikes[i];
    rows.push_back({std::to_string(spike.step), cause(spike), size(spike), spike.layer.empty() ? "-" : spike.layer,
                    spike.verdict, recovery(spike)});
  }
  print_table(out, rows);
  if (spikes.size() > kMostSpikeRows) out << fmt::format("  ... and {} more\n", spikes.size() - kMostSpikeRows);
}

// Orders of magnitude in T, whose constants the paper leaves open.
bool only_a_sweep_decides(const Condition& condition) { return condition.variant == "printed" && !condition.holds; }

void print_conditions(std::ostream& out, const std::vector<Condition>& conditions) {
  if (conditions.empty()) return;
  out << "\nConditions\n";
  std::vector<Row> rows = {{"name", "equation", "value", "threshold", "holds", "note"}};
  std::size_t open = 0;
  for (const Condition& condition : conditions) {
    if (only_a_sweep_decides(condition)) {
      ++open;
      continue;
    }
    const auto& holds = condition.holds;
    rows.push_back({condition.name, condition.equation, number(condition.value), number(condition.threshold),
                    !holds   ? "-"
                    : *holds ? "yes"
                             : "NO",
                    condition.note});
  }
  print_table(out, rows);
  if (open > 0) out << fmt::format("  ... and {} orders of magnitude that only a sweep over T decides\n", open);
}

}  // namespace

std::string number_text(double value, int digits) {
  return std::isnan(value) ? "not a number" : fmt::format("{:.{}g}", value, digits);
}

std::string episode_text(const std::vector<SpikeRecord>& spikes) {
  return fmt::format("step {}: {}, {} in its episode", spikes.front().step, spikes.front().verdict,
                     spikes.size() == 1 ? "the only spike" : fmt::format("{} spikes", spikes.size()));
}

std::string spike_text(const SpikeRecord& spike) {
  const auto place = spike.layer.empty() ? std::string() : ", in " + spike.layer;
  const auto origin = spike.causes.empty() ? std::string("natural") : "by " + cause(spike);
  return fmt::format("step {}: spike, {}{}, {}", spike.step, size(spike), place, origin);
}

void print_report(std::ostream& out, const Summary& summary, const std::vector<SpikeRecord>& spikes) {
  print_spikes(out, spikes);
  print_conditions(out, summary.conditions);

  out << fmt::format("\nVerdict: {} ({} spikes in {} episodes", summary.verdict, summary.spikes, summary.episodes);
  if (summary.progress_lost) out << ", " << loss_of_progress(*summary.progress_lost);
  out << ")\n";
  if (summary.final_loss) out << fmt::format("Final loss: {}\n", number(summary.final_loss));
  if (summary.eval) {
    out << fmt::format("Evaluation: loss {}", number(summary.eval->loss));
    if (summary.eval->accuracy) out << fmt::format(", accuracy {:.2f} %", 100 * *summary.eval->accuracy);
    for (const auto& [name, value] : summary.eval->metrics) out << fmt::format(", {} {}", name, number(value));
    out << '\n';
  }
  if (summary.warnings > 0) out << fmt::format("Warnings: {} (see summary.json)\n", summary.warnings);
}

}  // namespace gradquake::report
