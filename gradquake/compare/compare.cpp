#include "gradquake/compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "gradquake/compare/weights.h"
#include "gradquake/core/error.h"
#include "gradquake/core/records.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/data/input_file.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/model/weights.h"
#include "gradquake/report/json_lines.h"
#include "gradquake/report/record_json.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::compare {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNetworks = "networks.jsonl";

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
std::pair<std::vector<Network>, std::uint64_t> read_networks(const fs::path& path) {
  std::vector<Network> networks;
  if (!fs::exists(path)) return {networks, 0};
  const std::string text = data::read_text(path.string());
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    networks.push_back(network_of(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return {networks, begin};
}

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
                     const std::function<void(const std::string&)>& progress) {
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
    at.probe = probe(task, asked, at.screen.sites, [&, pace = Pace()](std::size_t done, std::size_t all) {
      progress(fmt::format("step {}: {}", step, pace.line(done, all, "cells")));
    });
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

// The networks of a folder, which is made with the first new one.
class KeptNetworks {
 public:
  KeptNetworks(const run::RunConfig& config, std::int64_t jobs, const ResultFolder& folder,
               const std::function<void(const std::string&)>& progress)
      : KeptNetworks(config, jobs, folder, progress, read_networks(folder.path / kNetworks)) {}

  Networks& networks() { return networks_; }

 private:
  KeptNetworks(const run::RunConfig& config, std::int64_t jobs, const ResultFolder& folder,
               const std::function<void(const std::string&)>& progress,
               std::pair<std::vector<Network>, std::uint64_t> found)
      : networks_(
            config, jobs, std::move(found.first),
            [this, &folder, bytes = found.second](const Network& network) { keep(folder, bytes, network); },
            [progress, pace = Pace()](std::size_t done, std::size_t all) {
              progress(pace.line(done, all, "networks"));
            }) {}

  void keep(const ResultFolder& folder, std::uint64_t bytes, const Network& network) {
    if (!file_) {
      make(folder);
      file_.emplace(folder.path / kNetworks, bytes);
    }
    file_->write(to_line(network));
    file_->sync();
  }

  std::optional<report::JsonLines> file_;
  Networks networks_;
};

}  // namespace

Comparison compare(run::RunConfig config, const CompareConfig& asked, Part part, std::int64_t jobs,
                   const ResultFolder& folder, const std::function<void(const std::string&)>& progress) {
  const auto say = [&progress](const std::string& line) {
    if (progress) progress(line);
  };
  config.run.threads = 1;
  const bool all = part == Part::kAll, with_budget = part == Part::kBudget || (all && asked.has_budget);
  Comparison comparison{config.run.name, asked.share, {}, std::nullopt, std::nullopt};
  Terrain terrain;
  if (part != Part::kOutcome) {
    Looked looked = look_at_sites(config, asked, all || part == Part::kProbe, with_budget, say);
    comparison.at = std::move(looked.at);
    terrain = looked.terrain;
  }
  KeptNetworks kept(config, jobs, folder, say);
  if (all || part == Part::kOutcome) comparison.outcome = outcome(asked, config.run.seed, kept.networks());
  if (with_budget)
    comparison.budget = budget(asked, comparison.at.back().screen, terrain, config.run.seed, kept.networks());
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
