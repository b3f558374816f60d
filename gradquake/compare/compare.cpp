#include "gradquake/compare/compare.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "gradquake/compare/weights.h"
#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/data/input_file.h"
#include "gradquake/report/json_lines.h"
#include "gradquake/run/assembly.h"

namespace gradquake::compare {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOutcomeRuns = "outcome.jsonl";

// How far a part has come, and how long it will take at the pace it had: "12 of 48 cells, 40 s left".
class Pace {
 public:
  std::string line(std::size_t done, std::size_t all, const char* what) const {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    const double left = passed.count() / static_cast<double>(done) * static_cast<double>(all - done);
    constexpr double kMinute = 60;
    return fmt::format("{} of {} {}, {} left", done, all, what,
                       left < 2 * kMinute ? fmt::format("{:.0f} s", left) : fmt::format("{:.0f} min", left / kMinute));
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The networks that an earlier call has trained, and the bytes of their lines; a line cut short is none.
std::pair<std::vector<OutcomeRun>, std::uint64_t> read_runs(const fs::path& path) {
  std::vector<OutcomeRun> runs;
  if (!fs::exists(path)) return {runs, 0};
  const std::string text = data::read_text(path.string());
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    runs.push_back(outcome_run_of(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return {runs, begin};
}

void look_at_sites(const run::RunConfig& config, const CompareConfig& asked, bool only_screen, Comparison& comparison,
                   const std::function<void(const std::string&)>& progress) {
  train::Task task = run::assemble(config);
  if (asked.at.back() > task.steps)
    throw UserError("compare",
                    fmt::format("expected compare.at within the run's {} steps, got {}", task.steps, asked.at.back()));
  Weights weights(task);
  for (const std::int64_t step : asked.at) {
    progress(fmt::format("training to step {}", step));
    weights.train_to(step);
    Comparison::At& at = comparison.at.emplace_back();
    at.step = step;
    at.screen =
        screen(task, asked, [&](std::int64_t vectors) { progress(fmt::format("step {}: {} vectors", step, vectors)); });
    if (only_screen) continue;
    at.probe = probe(task, asked, at.screen.sites, [&, pace = Pace()](std::size_t done, std::size_t all) {
      progress(fmt::format("step {}: {}", step, pace.line(done, all, "cells")));
    });
  }
}

void make(const ResultFolder& folder) {
  std::error_code error;
  fs::create_directories(folder.path, error);
  if (error)
    throw UserError("compare",
                    "expected a folder that can be made, got " + folder.path.string() + ": " + error.message());
  write_result("compare", folder.path / "config.yaml", folder.resolved);
}

Outcome train_networks(const run::RunConfig& config, const CompareConfig& asked, const ResultFolder& folder,
                       const std::function<void(const std::string&)>& progress) {
  const fs::path path = folder.path / kOutcomeRuns;
  auto [found, bytes] = read_runs(path);
  std::optional<report::JsonLines> file;
  return outcome(
      config, asked, std::move(found),
      [&, kept = bytes](const OutcomeRun& run) {
        if (!file) {
          make(folder);
          file.emplace(path, kept);
        }
        file->write(to_line(run));
        file->sync();
      },
      [&, pace = Pace()](std::size_t done, std::size_t most) { progress(pace.line(done, most, "networks at most")); });
}

}  // namespace

Comparison compare(const run::RunConfig& config, const CompareConfig& asked, Part part, const ResultFolder& folder,
                   const std::function<void(const std::string&)>& progress) {
  const auto say = [&progress](const std::string& line) {
    if (progress) progress(line);
  };
  Comparison comparison{config.run.name, asked.share, {}, std::nullopt};
  if (part != Part::kOutcome) look_at_sites(config, asked, part == Part::kScreen, comparison, say);
  if (part == Part::kAll || part == Part::kOutcome) comparison.outcome = train_networks(config, asked, folder, say);
  return comparison;
}

void expect_own(const ResultFolder& folder) {
  const fs::path& path = folder.path;
  if (!fs::exists(path) || (fs::is_directory(path) && fs::is_empty(path))) return;
  const fs::path config = path / "config.yaml";
  if (!fs::exists(config) || fs::exists(path / "manifest.json"))  // the latter: a run
    throw UserError(
        "compare", "expected a folder of its own to write into, got " + path.string() + ", which holds something else");
  if (data::read_text(config.string()) != folder.resolved)
    throw UserError("compare", "expected " + path.string() +
                                   " to hold a comparison of this config, got one of another: choose another --out");
}

void write_comparison(const ResultFolder& folder, const Comparison& comparison) {
  make(folder);
  const auto write = [&folder](const char* name, const std::string& text) {
    if (!text.empty()) write_result("compare", folder.path / name, text);
  };
  if (!comparison.at.empty()) {
    write("screen.csv", screen_csv(comparison));
    write("probe.csv", probe_csv(comparison));
    write("map.svg", map_svg(comparison));
  }
  write("outcome.csv", outcome_csv(comparison));
  write("compare.json", comparison_json(comparison).dump(2) + "\n");
}

}  // namespace gradquake::compare
