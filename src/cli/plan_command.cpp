#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "gradquake/cli/command.h"
#include "gradquake/study/assembly.h"
#include "gradquake/study/plan_report.h"

namespace gradquake::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  bool json = false;
};

int plan(const Options& options) {
  const study::RunConfig config = study::read_run_config(config::Document::load(options.config, options.overrides));
  const study::Assembly parts = study::assemble(config);
  if (options.json) {
    std::cout << study::plan_json(config, parts) << '\n';
  } else {
    study::print_plan(std::cout, config, parts);
  }
  return kDone;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "plan", "Show sites, shapes, rules, schedules and first firing steps; runs one dry batch, trains nothing");
  command->add_option("CONFIG", options->config, "YAML file, see configs/README.md")->required();
  command->add_option("OVERRIDES", options->overrides, "dotted.key=value, the value being YAML: run.seed=2");
  command->add_flag("--json", options->json, "Print the plan as one JSON document");
  command->callback([options, &action] { action = [options] { return plan(*options); }; });
}

}  // namespace gradquake::cli
