#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "gradquake/cli/command.h"
#include "gradquake/cli/session.h"
#include "gradquake/core/error.h"
#include "gradquake/train/checkpoint_file.h"

namespace gradquake::cli {
namespace {

struct Options {
  std::string folder;
  std::vector<std::string> overrides;
  bool json = false;
};

bool changes_length(const std::vector<std::string>& overrides) {
  for (const std::string& item : overrides) {
    if (item.rfind("run.steps=", 0) != 0) {
      throw UserError("resume", "expected run.steps=N as the only change to a run, got '" + item + "'");
    }
  }
  return !overrides.empty();
}

// A longer run must be equal to one that was that long from the start.
void prolong(const study::RunFolder& folder, const study::RunConfig& before, const study::RunConfig& after) {
  if (const auto why = before.length_dependence()) {
    throw UserError("resume", "expected a run that does not depend on its length to prolong, got one whose " + *why);
  }
  const auto checkpoints = train::list_checkpoints(folder.checkpoints());
  const auto made = checkpoints.empty() ? folder.path : checkpoints.front();
  if (made != folder.path && made > train::checkpoint_path(folder.checkpoints(), after.run.steps)) {
    throw UserError("resume", fmt::format("expected run.steps of at least the steps made ({}), got {}",
                                          made.stem().string(), after.run.steps));
  }
  // summary.json marks a finished run, so it goes first: killed in between, the run is one to resume.
  std::filesystem::remove(folder.file("summary.json"));
  std::filesystem::remove(folder.file("weights.pt"));
  study::write_text_atomically(folder.file("config.yaml"), after.resolved);
}

int resume(const Options& options) {
  const bool longer = changes_length(options.overrides);
  const study::RunFolder folder = study::open_run_folder(options.folder);
  const std::string path = folder.file("config.yaml").string();
  const study::RunConfig before = study::read_run_config(config::Document::load(path));
  const study::RunConfig config = study::read_run_config(config::Document::load(path, options.overrides));
  if (folder.finished() && (!longer || config.run.steps == before.run.steps)) {
    std::cerr << fmt::format("{} is finished; run.steps=N trains on\n", folder.path.string());
    return kDone;
  }
  study::Assembly parts = study::assemble(config);
  if (longer) prolong(folder, before, config);
  Session session(options.json);
  return session.finish(study::resume(config, parts, folder, session.hooks()), folder);
}

}  // namespace

void add_resume(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("resume", "Go on with an interrupted run, or train a finished one further");
  command->add_option("RUN_DIR", options->folder, "The run's folder")->required();
  command->add_option("OVERRIDES", options->overrides, "run.steps=N: the new length; nothing else may change");
  command->add_flag("--json", options->json, "Print the summary as one JSON document");
  command->callback([options, &action] { action = [options] { return resume(*options); }; });
}

}  // namespace gradquake::cli
