#include "gradquake/cli/run.h"

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <exception>
#include <iostream>

#include "gradquake/cli/command.h"
#include "gradquake/core/error.h"
#include "gradquake/study/version.h"

namespace gradquake::cli {
namespace {

// Tensors above malloc's mmap threshold would cost page faults at every step, more than the perturbations do.
void keep_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 256 << 20);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

int run(int argc, const char* const* argv) {
  keep_large_blocks();
  CLI::App app{
      "Trains networks under perturbed forward and backward passes, logs every gradient spike with its cause,\n"
      "and says whether training recovered.\n\n"
      "A first run:   gradquake train configs/digits_mlp.yaml\n"
      "What it does:  gradquake plan configs/digits_mlp.yaml"};
  app.name("gradquake");
  app.set_version_flag("--version", std::string("gradquake ") + study::kVersion);
  app.require_subcommand(1);
  Action action;
  add_train(app, action);
  add_plan(app, action);
  add_resume(app, action);
  add_theory(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "gradquake: " << first_line(error.what()) << " (gradquake --help lists the commands)\n";
    return kCallersMistake;
  }
  try {
    return action();
  } catch (const UserError& error) {
    std::cerr << "gradquake: " << error.what() << '\n';
    return kCallersMistake;
  } catch (const std::exception& error) {
    std::cerr << "gradquake: internal error: " << error.what() << '\n';
    return kInternalError;
  }
}

}  // namespace gradquake::cli
