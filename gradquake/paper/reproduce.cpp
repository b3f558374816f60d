#include "gradquake/paper/reproduce.h"

#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/hooks/random/noise_reference.h"
#include "gradquake/paper/run_lists.h"
#include "gradquake/paper/summary_text.h"
#include "gradquake/report/csv.h"

namespace gradquake::paper {
namespace {

namespace fs = std::filesystem;

enum class Columns { kFigure, kSweep };

void put(const fs::path& path, const std::string& text) { write_file("paper", path, text); }

std::string table(const Settings& settings, const RunStore& store, const std::vector<RunSpec>& runs, Columns columns) {
  std::vector<std::string> names = {
      "regularizer", "rho",  "direction",        "biased",           "draw",      "sigma", "gamma",
      "interval",    "seed", "stable_grad_norm", "stable_iteration", "final_loss"};
  if (columns == Columns::kSweep) names.insert(names.end(), {"steps", "mean_squared_norm", "late_loss"});
  std::ostringstream text;
  report::CsvWriter csv(text, names);
  for (const RunSpec& run : runs) {
    const RunRecord& r = *store.find(run.key(settings));
    std::vector<report::CsvField> row = {run.regularizer.name(),
                                         run.regularizer.weight,
                                         run.direction_name(),
                                         run.biased && !run.standard(),
                                         run.draw_name(),
                                         run.sigma,
                                         run.gamma,
                                         run.standard() ? 1 : run.interval,
                                         run.seed,
                                         r.stable_grad_norm,
                                         r.stable_iteration,
                                         r.final_loss};
    if (columns == Columns::kSweep) row.insert(row.end(), {run.steps, r.mean_squared_norm, r.late_loss});
    csv.row(row);
  }
  return text.str();
}

std::string trajectories(const Settings& settings, const RunStore& store, std::vector<RunSpec> runs) {
  for (const RunSpec& run : standard_runs(settings, 3)) runs.push_back(run);
  std::ostringstream text;
  report::CsvWriter csv(text, {"direction", "draw", "sigma", "gamma", "seed", "step", "average_grad_norm"});
  const std::vector<std::int64_t> steps = trajectory_steps(settings.steps);
  for (const RunSpec& run : runs) {
    const std::vector<double>& averages = store.find(run.key(settings))->trajectory;
    for (std::size_t i = 0; i < steps.size(); ++i)
      csv.row({run.direction_name(), run.draw_name(), run.sigma, run.gamma, run.seed, steps[i], averages.at(i)});
  }
  return text.str();
}

std::string processor() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

// All runs that the settings name and the store has, with the processor time they took, in whichever process.
nlohmann::ordered_json work_of(const Settings& settings, const RunStore& store, const std::vector<RunSpec>& runs,
                               const ExecutorResult& work) {
  std::set<std::string> seen;
  double steps = 0, seconds = 0;
  for (const RunSpec& run : runs) {
    const std::string key = run.key(settings);
    if (!seen.insert(key).second) continue;
    steps += static_cast<double>(run.steps);
    seconds += store.find(key)->seconds;
  }
  return {{"date", today()},
          {"processor", processor()},
          {"instruction_set", instruction_set_name(instruction_set())},
          {"threads", settings.threads},
          {"runs", seen.size()},
          {"replica_steps", steps},
          {"processor_seconds", seconds},
          {"ns_per_replica_step", steps > 0 ? 1e9 * seconds / steps : 0},
          {"runs_of_this_process", work.made},
          {"seconds_of_this_process", work.seconds}};
}

}  // namespace

Reproduction reproduce(const Settings& settings, std::optional<int> figure, const fs::path& out,
                       const std::function<void(const ExecutorProgress&)>& progress) {
  if (figure && (*figure < kFirstFigure || *figure > kLastFigure)) {
    throw UserError("study",
                    fmt::format("expected a figure from {} to {}, got {}", kFirstFigure, kLastFigure, *figure));
  }
  std::error_code error;
  fs::create_directories(out, error);
  if (!fs::is_directory(out)) throw UserError("study", "expected a folder to write to, got " + out.string());
  RunStore store(out / "runs.jsonl");

  const std::vector<RunSpec> standard = standard_runs(settings, figure);
  std::vector<RunSpec> runs = standard;
  const auto add = [&](const std::vector<RunSpec>& more) { runs.insert(runs.end(), more.begin(), more.end()); };
  std::vector<int> figures;
  for (int i = kFirstFigure; i <= kLastFigure; ++i)
    if (!figure || *figure == i) figures.push_back(i);
  for (const int i : figures) add(figure_runs(settings, i));
  if (!figure) add(coupled_runs(settings));
  if (!figure) add(table1_runs(settings));

  Reproduction result;
  result.work = execute(settings, runs, store, progress);
  for (const int i : figures) {
    const std::vector<RunSpec> of_figure = figure_runs(settings, i);
    put(out / fmt::format("figure{}.csv", i), table(settings, store, of_figure, Columns::kFigure));
    if (i == 3) put(out / "figure3_trajectories.csv", trajectories(settings, store, of_figure));
  }
  put(out / "standard.csv", table(settings, store, standard, Columns::kFigure));
  if (!figure) put(out / "coupled.csv", table(settings, store, coupled_runs(settings), Columns::kSweep));
  if (!figure) put(out / "table1.csv", table(settings, store, table1_runs(settings), Columns::kSweep));

  result.claims = judge_claims(settings, store);
  const nlohmann::ordered_json work = work_of(settings, store, runs, result.work);
  const nlohmann::ordered_json document = {
      {"settings", settings.resolved}, {"work", work}, {"claims", claims_json(result.claims)}};
  put(out / "claims.json", document.dump(2) + "\n");
  put(out / "claims.md", summary_text(settings, store, figures, work, result.claims));
  return result;
}

}  // namespace gradquake::paper
