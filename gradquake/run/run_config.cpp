#include "gradquake/run/run_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "gradquake/config/enum_reader.h"
#include "gradquake/config/kind_reader.h"
#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/hooks/schedule.h"
#include "gradquake/model/registry.h"
#include "gradquake/run/plugin.h"

namespace gradquake::run {
namespace {

using config::Range;
using config::Reader;

RunSection read_run(Reader reader) {
  RunSection run;
  run.name = reader.text("name", run.name);
  if (run.name.empty() || run.name.front() == '.' || run.name.find('/') != std::string::npos)
    reader.fail("name", "expected a folder name without '/' and not beginning with '.', got '" + run.name + "'");
  run.seed = static_cast<std::uint64_t>(reader.integer("seed", 1, 0));
  if (reader.has("epochs"))
    run.epochs = reader.integer("epochs", 1, 1, std::int64_t{1} << 20);
  else
    run.steps = reader.integer("steps", run.steps, 1, std::int64_t{1} << 40);
  const auto threads = reader.integer_or_word("threads", "auto", std::nullopt, 1, 1024);
  run.threads = threads.value_or(std::max<std::int64_t>(1, std::thread::hardware_concurrency()));
  reader.set_resolved("threads", run.threads);
  run.device = config::read_enum(reader, "device", run.device);
  run.dtype = config::read_enum(reader, "dtype", run.dtype);
  run.out = reader.text("out", run.out);
  run.on_nonfinite = config::read_enum(reader, "on_nonfinite", run.on_nonfinite);
  reader.finish();
  return run;
}

// A number that the run's dtype cannot hold would become inf.
void expect_in_dtype(const RunSection& run, const Reader& section, const KindSpec& spec,
                     const std::string& under = "") {
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (run.dtype != Dtype::kFloat32) return;
  for (const auto& [name, value] : spec.values) {
    const auto* number = std::get_if<double>(&value.held());
    if (number == nullptr || std::fabs(*number) <= kLargest) continue;
    section.fail(under + name,
                 fmt::format("expected a number of at most {:.6g}, the largest float32 (run.dtype), got {:g}", kLargest,
                             *number));
  }
}

void read_plugins(Reader& root) {
  const std::vector<std::string> paths = root.texts("plugins", {});
  try {
    load_plugins(paths);
  } catch (const UserError& error) {
    const std::string message = error.what();
    root.fail("plugins", message.substr(message.find("] ") + 2));  // without the room
  }
}

std::map<std::string, std::string> read_aliases(Reader& root) {
  std::map<std::string, std::string> aliases;
  if (!root.has("aliases")) return aliases;
  Reader section = root.section("aliases");
  for (const std::string& site : section.given_keys()) aliases[site] = section.text(site, "");
  section.finish();
  return aliases;
}

RunConfig read_all(config::Document document) {
  document.exclusive("run.steps", "run.epochs");
  RunConfig config;
  Reader root = document.root();
  if (root.has("plugins")) read_plugins(root);  // first: the rest may name their kinds
  config.run = read_run(root.section("run"));
  Reader data = root.section("data");
  config.data = data::read_data(data);
  Reader model = root.section("model");
  config.model = model::read_model(model);

  Reader objective = root.section("objective");
  const auto companions = model::models().find(config.model.spec.kind).companions;
  const auto companion = companions.find("objective");
  config.objective = config::read_kind(objective, train::objectives(),
                                       companion == companions.end() ? "cross_entropy" : companion->second);
  const KindSpec regularizer = config::read_kind_section(objective, "regularizer", train::regularizers(), "none");
  config.regularizer = train::RegularizerConfig(regularizer);
  objective.finish();
  const Reader optimizer = root.section("optimizer");
  config.optimizer = train::read_optimizer(optimizer);
  expect_in_dtype(config.run, model, config.model.spec);
  expect_in_dtype(config.run, objective, config.objective);
  expect_in_dtype(config.run, objective, regularizer, "regularizer.");
  expect_in_dtype(config.run, optimizer, config.optimizer.spec);
  expect_in_dtype(config.run, optimizer, {"", {{"gradient_noise", config.optimizer.gradient_noise}}});
  config.rules = train::read_rules(root);
  config.aliases = read_aliases(root);

  Reader monitor = root.section("monitor");
  Reader shadow = monitor.section("shadow");
  config.shadow_interval = shadow.integer("interval", config.shadow_interval, 0);
  shadow.finish();
  config.monitor = monitor::read_monitor(monitor);
  config.curvature = measure::read_curvature(monitor.section("curvature"));
  monitor.finish();

  Reader evaluate = root.section("evaluate");
  config.evaluate_interval = evaluate.integer("interval", config.evaluate_interval, 0);
  evaluate.finish();
  Reader checkpoint = root.section("checkpoint");
  config.checkpoint_interval = checkpoint.integer("interval", config.checkpoint_interval, 0);
  config.checkpoint_keep = checkpoint.integer("keep", config.checkpoint_keep, 1);
  checkpoint.finish();
  config.ledger = read_ledger(root.section("ledger"));
  config.callbacks = read_callbacks(root);
  root.pass_over("compare");
  root.finish();
  config.resolved = document.resolved();
  return config;
}

}  // namespace

std::vector<Rule> RunConfig::plain_rules() const {
  std::vector<Rule> plain;
  for (const train::PlacedRule& placed : rules) plain.push_back(placed.rule);
  return plain;
}

std::optional<std::string> RunConfig::length_dependence() const {
  if (const auto reason = train::learning_rate_schedules().length_dependence(optimizer.schedule.spec()))
    return "optimizer.schedule " + *reason;
  for (const train::PlacedRule& placed : rules)
    if (const auto reason = schedules().length_dependence(placed.rule.schedule))
      return "rule " + placed.rule.label + " " + *reason;
  return std::nullopt;
}

RunConfig read_run_config(config::Document document) {
  RunConfig config = read_all(std::move(document));
  // The digest must not see the run's length, which resume may change: it is that of the same run with one step.
  const RunConfig shortest = read_all(config::Document::parse(config.resolved, "resolved", {"run.steps=1"}));
  config.digest = fmt::format("{:016x}", named_seed(0, shortest.resolved));
  return config;
}

}  // namespace gradquake::run
