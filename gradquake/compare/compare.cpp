#include "gradquake/compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "gradquake/compare/bound_ratio.h"
#include "gradquake/compare/weights.h"
#include "gradquake/compare/work.h"
#include "gradquake/core/error.h"
#include "gradquake/core/records.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/data/input_file.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/model/weights.h"
#include "gradquake/report/record_json.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::compare {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFinished = "finished.jsonl";

// What the budget's prediction takes from where the weights are now.
Terrain terrain_of(const train::Task& task, std::int64_t step) {
  Terrain terrain;
  const double gamma = task.optimizer.schedule.largest(task.optimizer.learning_rate(), task.steps);
  terrain.learning_rate = gamma;
  std::string other = train::optimizer_method(task.optimizer).not_stated_for;
  if (other.empty() && task.optimizer.clip_norm) other = "clipping";
  if (!other.empty()) {
    terrain.reason = "(34) is not stated for " + other;
    return terrain;
  }
  const measure::CurvatureProbe probe(task, {});
  if (!probe.obstacle().empty()) {
    terrain.reason = probe.obstacle();
    return terrain;
  }
  terrain.smoothness = probe.measure(step, gamma).smoothness;
  terrain.gradient_variance = probe.gradient().variance / static_cast<double>(task.batch_size);
  return terrain;
}

// Of several: the largest constants.
Terrain worst_of(const Terrain& a, const Terrain& b) {
  Terrain worst = a;
  worst.smoothness = std::max(a.smoothness, b.smoothness);
  worst.gradient_variance = std::max(a.gradient_variance, b.gradient_variance);
  if (worst.reason.empty()) worst.reason = b.reason;
  return worst;
}

// The steps at which it looks; a finished run's last one.
std::vector<std::int64_t> steps_of(const CompareConfig& asked, train::Task& task) {
  if (asked.at_run.empty()) {
    if (asked.at.back() > task.steps)
      throw UserError(
          "compare", fmt::format("expected compare.at within the run's {} steps, got {}", task.steps, asked.at.back()));
    return asked.at;
  }
  const run::RunFolder folder = run::open_run_folder(asked.at_run);
  if (!folder.finished())
    throw UserError("compare", "expected compare.at.run to be a finished run, got " + asked.at_run +
                                   ", which goes on with gradquake resume");
  model::load_weights(folder.file("weights.safetensors").string(), *task.model);
  return {static_cast<std::int64_t>(report::read_records<StepLine>(folder.file("steps.jsonl")).size())};
}

struct Looked {
  std::vector<Comparison::At> at;
  Terrain terrain;
};

Looked look_at_sites(const run::RunConfig& config, const CompareConfig& asked, bool with_probe, bool with_terrain,
                     Work& work, const std::function<void(const std::string&)>& progress) {
  train::Task task = run::assemble(config);
  const std::vector<std::int64_t> steps = steps_of(asked, task);
  Weights weights(task);
  Looked looked;
  for (const std::int64_t step : steps) {
    if (asked.at_run.empty()) {
      progress(fmt::format("training to step {}", step));
      weights.train_to(step);
    }
    Comparison::At& at = looked.at.emplace_back();
    at.step = step;
    at.screen =
        screen(task, asked, [&](std::int64_t vectors) { progress(fmt::format("step {}: {} vectors", step, vectors)); });
    if (with_terrain) {
      const Terrain here = terrain_of(task, step);
      looked.terrain = looked.at.size() == 1 ? here : worst_of(looked.terrain, here);
    }
    if (!with_probe) continue;
    at.probe = probe(task, asked, at.screen.sites, fmt::format("step {}", step), work,
                     [&, pace = Pace()](std::size_t done, std::size_t all) mutable {
                       progress(fmt::format("step {}: {}", step, pace.line(done, all, "parts of the probe")));
                     });
    if (asked.bound) set_bound_ratios(task, asked, at.probe);
  }
  return looked;
}

void make(const ResultFolder& folder) {
  std::error_code error;
  fs::create_directories(folder.path, error);
  if (error)
    throw UserError("compare",
                    "expected a folder that can be made, got " + folder.path.string() + ": " + error.message());
  write_result("compare", folder.path / "config.yaml", folder.resolved);
}

}  // namespace

Comparison compare(run::RunConfig config, const CompareConfig& asked, Part part, std::int64_t jobs,
                   const ResultFolder& folder, const std::function<void(const std::string&)>& progress) {
  const auto say = [&progress](const std::string& line) {
    if (progress) progress(line);
  };
  config.run.threads = 1;
  const bool all = part == Part::kAll, with_budget = part == Part::kBudget || (all && asked.has_budget);
  const bool forks = config.run.device == run::DeviceKind::kCpu;  // CUDA does not survive one
  Work work(folder.path / kFinished, forks ? jobs : 1, [&folder] { make(folder); });
  Comparison comparison{config.run.name, asked.share, {}, std::nullopt, std::nullopt};
  Terrain terrain;
  if (part != Part::kOutcome) {
    Looked looked = look_at_sites(config, asked, all || part == Part::kProbe, with_budget, work, say);
    comparison.at = std::move(looked.at);
    terrain = looked.terrain;
  }
  Networks networks(config, work, [&, pace = Pace()](std::size_t done, std::size_t count) mutable {
    say(pace.line(done, count, "networks"));
  });
  if (all || part == Part::kOutcome) comparison.outcome = outcome(asked, config.run.seed, networks);
  if (with_budget) comparison.budget = budget(asked, comparison.at.back().screen, terrain, config.run.seed, networks);
  work.put_in_order();
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
  write("budget.csv", budget_csv(comparison));
  write("compare.json", comparison_json(comparison).dump(2) + "\n");
}

}  // namespace gradquake::compare
