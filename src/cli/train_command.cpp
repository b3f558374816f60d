#include <CLI/CLI.hpp>
#include <memory>

#include "gradquake/cli/command.h"
#include "gradquake/cli/session.h"

namespace gradquake::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  bool overwrite = false;
  bool json = false;
};

int train(const Options& options) {
  const study::RunConfig config = study::read_run_config(config::Document::load(options.config, options.overrides));
  study::Assembly parts = study::assemble(config);
  const study::RunFolder folder = study::create_run_folder(config, options.overwrite);
  Session session(options.json);
  return session.finish(study::run(config, parts, folder, session.hooks()), folder);
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train the run that a config describes; writes <run.out>/<run.name>");
  command->add_option("CONFIG", options->config, "YAML file, see configs/README.md")->required();
  command->add_option("OVERRIDES", options->overrides, "dotted.key=value, the value being YAML: run.seed=2");
  command->add_flag("--overwrite", options->overwrite, "Replace the run folder if it exists");
  command->add_flag("--json", options->json, "Print the summary as one JSON document");
  command->callback([options, &action] { action = [options] { return train(*options); }; });
}

}  // namespace gradquake::cli
