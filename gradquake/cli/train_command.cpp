#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "gradquake/cli/command.h"
#include "gradquake/cli/session.h"
#include "gradquake/run/run_lock.h"

namespace gradquake::cli {
namespace {

constexpr const char* kTrainFooter = R"(Examples:
  gradquake train configs/digits_mlp.yaml
  gradquake train configs/digits_mlp.yaml run.name=second run.seed=2
  gradquake train configs/digits_mlp.yaml run.name=clean 'perturbations=[]'
  gradquake train configs/digits_mlp.yaml run.name=own \
    'perturbations=[{sites: "layers.1", direction: backward, kind: gaussian, scale: 0.5}]'

The run's folder is <run.out>/<run.name>, runs/digits-mlp in the first example. It holds
  config.yaml          every key, defaults included
  steps.jsonl          loss and gradient norms, a line a step
  spikes.jsonl         each gradient spike with its causes and whether training recovered
  ledger.jsonl         what was injected where
  evaluations.jsonl, curvature.jsonl, summary.json, weights.safetensors, checkpoints/, manifest.json,
  model.pt2 of an exported model
Ctrl-C writes a checkpoint; gradquake resume goes on from it, bit for bit.)";

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool overwrite = false;
  bool json = false;
};

int train(const TrainOptions& options) {
  const run::RunConfig config = run::read_run_config(config::Document::load(options.config, options.overrides));
  train::Task task = run::assemble(config);
  run::Options run_options = run::run_options(config);
  Session session(options.json);  // before the folder: from here on Ctrl-C is answered by a checkpoint
  session.attach(run_options);
  std::optional<run::RunLock> replaced;
  if (options.overwrite) replaced.emplace(run::RunFolder{std::filesystem::path(config.run.out) / config.run.name});
  const run::RunFolder folder = run::create_run_folder(config, options.overwrite);
  const run::RunLock lock(folder);
  return session.finish(folder, [&] { return run::run(task, run_options, folder); });
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand("train", "Train the network that a config describes, under its perturbations");
  command->add_option("CONFIG", options->config, "The run, as YAML; configs/README.md lists every key")
      ->required()
      ->option_text("file");
  command->add_option("OVERRIDES", options->overrides, "Replace keys of the config; the value is YAML")
      ->option_text("key=value ...");
  command->add_flag("--overwrite", options->overwrite, "Replace the run folder if it exists");
  command->add_flag("--json", options->json, "Print the summary as one JSON document on standard output");
  command->footer(kTrainFooter);
  command->callback([options, &action] { action = [options] { return train(*options); }; });
}

}  // namespace gradquake::cli
