#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "gradquake/cli/command.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/plan_report.h"

namespace gradquake::cli {
namespace {

constexpr const char* kPlanFooter = R"(Examples:
  gradquake plan configs/digits_mlp.yaml
  gradquake plan configs/digits_mlp.yaml 'perturbations.0.sites="layers.*"' --json

Lists every site that a rule can name, the sites that each rule hits, and the first steps at which it fires.
Runs one batch forward; trains nothing and writes nothing.)";

struct PlanOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool json = false;
};

int plan(const PlanOptions& options) {
  const run::RunConfig config = run::read_run_config(config::Document::load(options.config, options.overrides));
  const train::Task task = run::assemble(config);
  if (options.json)
    std::cout << run::plan_json(config, task) << '\n';
  else
    run::print_plan(std::cout, config, task);
  return kDone;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand("plan", "Show what a config would perturb, where and when; trains nothing");
  command->add_option("CONFIG", options->config, "The run, as YAML; configs/README.md lists every key")
      ->required()
      ->option_text("file");
  command->add_option("OVERRIDES", options->overrides, "Replace keys of the config; the value is YAML")
      ->option_text("key=value ...");
  command->add_flag("--json", options->json, "Print the plan as one JSON document");
  command->footer(kPlanFooter);
  command->callback([options, &action] { action = [options] { return plan(*options); }; });
}

}  // namespace gradquake::cli
