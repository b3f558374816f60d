#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "gradquake/cli/command.h"
#include "gradquake/cli/session.h"
#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/run/run_lock.h"
#include "gradquake/train/checkpoint_file.h"

namespace gradquake::cli {
namespace {

constexpr const char* kResumeFooter = R"(Examples:
  gradquake resume runs/digits-mlp
  gradquake resume runs/digits-mlp run.steps=4000

Records and weights end as if the run had never been interrupted, byte for byte. With run.steps=N they equal those of
a run of N steps; a run that depends on its length (cosine learning rate, horizon amplitude, budget without until) is
not prolonged. Without a checkpoint the run starts again at step 0. Run it from the folder the run was started in:
paths in its config are relative to it.)";

struct ResumeOptions {
  std::string folder;
  std::vector<std::string> overrides;
  bool json = false;
};

void check_overrides(const std::vector<std::string>& overrides) {
  for (const std::string& item : overrides)
    if (item.rfind("run.steps=", 0) != 0)
      throw UserError("resume", "expected run.steps=N as the only change to a run, got '" + item + "'");
}

// The steps of the newest checkpoint, damaged or not; 0 without one.
std::int64_t steps_made(const run::RunFolder& folder) {
  std::int64_t steps = 0;
  for (const auto& path : train::list_checkpoints(folder.checkpoints())) {
    const std::string name = path.stem().string();
    steps = std::max<std::int64_t>(steps, std::strtoll(name.c_str() + name.find_last_of('-') + 1, nullptr, 10));
  }
  return steps;
}

// A run of another length must be equal to one that had it from the start.
void change_length(const run::RunFolder& folder, const run::RunConfig& before, const run::RunConfig& after) {
  if (const auto why = before.length_dependence()) {
    throw UserError("resume",
                    "expected a run that does not depend on its length, got one whose length matters: " + *why);
  }
  const std::int64_t made = steps_made(folder);
  if (made > after.run.steps) {
    throw UserError("resume",
                    fmt::format("expected run.steps of at least the {} steps made, got {}", made, after.run.steps));
  }
  // summary.json marks a finished run, so it goes first: killed in between, the run is one to resume.
  for (const char* result : {"summary.json", "weights.safetensors", "model.pt2", "model.pt"})
    std::filesystem::remove(folder.file(result));
  write_file("run", folder.file("config.yaml"), after.resolved);
}

int say_finished(const run::RunFolder& folder, bool json) {
  std::cerr << fmt::format("{} is finished; run.steps=N trains on\n", folder.path.string());
  if (json) std::cout << std::ifstream(folder.file("summary.json")).rdbuf();
  return kDone;
}

int resume(const ResumeOptions& options) {
  check_overrides(options.overrides);
  const run::RunFolder folder = run::open_run_folder(options.folder);
  const std::string path = folder.file("config.yaml").string();
  const run::RunConfig before = run::read_run_config(config::Document::load(path));
  const run::RunConfig config = run::read_run_config(config::Document::load(path, options.overrides));
  const bool changed = config.resolved != before.resolved;
  if (folder.finished() && !changed) return say_finished(folder, options.json);
  train::Task task = run::assemble(config);
  run::Options run_options = run::run_options(config);
  Session session(options.json);
  session.attach(run_options);
  const run::RunLock lock(folder);
  run::remove_temporary_files(folder);
  if (changed) change_length(folder, before, config);
  return session.finish(folder, [&] { return run::resume(task, run_options, folder); });
}

}  // namespace

void add_resume(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ResumeOptions>();
  CLI::App* command = app.add_subcommand("resume", "Go on with an interrupted run, or train a finished one further");
  command->add_option("RUN_DIR", options->folder, "The run's folder")->required()->option_text("folder");
  command->add_option("OVERRIDES", options->overrides, "A new length; nothing else may change")
      ->option_text("run.steps=N");
  command->add_flag("--json", options->json, "Print the summary as one JSON document on standard output");
  command->footer(kResumeFooter);
  command->callback([options, &action] { action = [options] { return resume(*options); }; });
}

}  // namespace gradquake::cli
