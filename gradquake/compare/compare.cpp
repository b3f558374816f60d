#include "gradquake/compare/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "gradquake/compare/weights.h"
#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/data/input_file.h"
#include "gradquake/run/assembly.h"

namespace gradquake::compare {
namespace {

namespace fs = std::filesystem;

}  // namespace

Comparison compare(const run::RunConfig& config, const CompareConfig& asked, bool only_screen,
                   const std::function<void(const std::string&)>& progress) {
  train::Task task = run::assemble(config);
  if (asked.at.back() > task.steps)
    throw UserError("compare",
                    fmt::format("expected compare.at within the run's {} steps, got {}", task.steps, asked.at.back()));
  Weights weights(task);
  Comparison comparison{config.run.name, asked.share, {}};
  for (const std::int64_t step : asked.at) {
    if (progress) progress(fmt::format("training to step {}", step));
    weights.train_to(step);
    Comparison::At& at = comparison.at.emplace_back();
    at.step = step;
    at.screen = screen(task, asked, [&](std::int64_t vectors) {
      if (progress) progress(fmt::format("step {}: {} vectors", step, vectors));
    });
    if (only_screen) continue;
    at.probe = probe(task, asked, at.screen.sites, [&](std::size_t done, std::size_t all) {
      if (progress) progress(fmt::format("step {}: {} of {} cells", step, done, all));
    });
  }
  return comparison;
}

void expect_own_folder(const fs::path& folder, const std::string& resolved) {
  if (!fs::exists(folder) || (fs::is_directory(folder) && fs::is_empty(folder))) return;
  if (!fs::exists(folder / "compare.json"))
    throw UserError("compare", "expected a folder of its own to write into, got " + folder.string() +
                                   ", which holds something else");
  const fs::path config = folder / "config.yaml";
  if (!fs::exists(config) || data::read_text(config.string()) != resolved)
    throw UserError("compare", "expected " + folder.string() +
                                   " to hold a comparison of this config, got one of another: choose another --out");
}

void write_comparison(const fs::path& folder, const std::string& resolved, const Comparison& comparison) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw UserError("compare", "expected a folder that can be made, got " + folder.string() + ": " + error.message());
  write_result("compare", folder / "config.yaml", resolved);
  write_result("compare", folder / "screen.csv", screen_csv(comparison));
  const std::string probed = probe_csv(comparison);
  if (!probed.empty()) write_result("compare", folder / "probe.csv", probed);
  write_result("compare", folder / "map.svg", map_svg(comparison));
  write_result("compare", folder / "compare.json", comparison_json(comparison).dump(2) + "\n");
}

}  // namespace gradquake::compare
