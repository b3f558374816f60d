#include "gradquake/cli/run.h"

#include <malloc.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <exception>
#include <iostream>
#include <utility>

#include "gradquake/cli/command.h"
#include "gradquake/cli/failure.h"
#include "gradquake/core/error.h"
#include "gradquake/hooks/nearest.h"
#include "gradquake/run/version.h"

namespace gradquake::cli {
namespace {

// Tensors above malloc's mmap threshold would cost page faults at every step, more than the perturbations do.
void keep_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 256 << 20);
}

constexpr const char* kDescription =
    "Trains networks under perturbed forward and backward passes, logs every gradient spike with its cause,\n"
    "and says whether training recovered.";

constexpr const char* kProgramFooter = R"(Start here:
  gradquake plan configs/digits_mlp.yaml     what would be perturbed, where and when
  gradquake train configs/digits_mlp.yaml    train it: seconds, a table of spikes at the end
  gradquake show runs/digits-mlp             the same table again, and a picture with --svg FILE
  gradquake train --help                     changing a config, and what the run's folder holds

Results go to standard output, progress and logs to standard error. Exit status: 0 done (a diverged run too), 1 an
error of the program or a full disk, 2 a mistake in what was asked, 130 interrupted after writing a checkpoint.)";

// The command that the first words name, its full name, and the word after it ("" without one).
struct Named {
  const CLI::App* command;
  std::string name;
  std::string next;
};

Named named_command(const CLI::App& app, int argc, const char* const* argv) {
  Named named{&app, "gradquake", ""};
  for (int i = 1; i < argc; ++i) {
    named.next = argv[i];
    const auto found = named.command->get_subcommands([&](const CLI::App* c) { return c->get_name() == named.next; });
    if (found.empty()) return named;
    named.command = found.front();
    named.name += " " + std::exchange(named.next, "");
  }
  return named;
}

// CLI11 answers a misspelt command with "A subcommand is required".
void check_command(const Named& named) {
  std::vector<std::string> known;
  for (const CLI::App* command : named.command->get_subcommands({})) known.push_back(command->get_name());
  if (known.empty() || named.next.rfind('-', 0) == 0) return;
  const std::string got = named.next.empty() ? "nothing" : "'" + named.next + "'";
  const std::string near = named.next.empty() ? "" : detail::nearest(named.next, known);
  throw CLI::ParseError(fmt::format("expected a command ({}), got {}{}", fmt::join(known, ", "), got,
                                    near.empty() ? "" : " (nearest: " + near + ")"),
                        kCallersMistake);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

int run(int argc, const char* const* argv) {
  keep_large_blocks();
  CLI::App app{kDescription};
  app.name("gradquake");
  app.set_version_flag("--version", std::string("gradquake ") + run::kVersion, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(1);
  bool verbose = false;
  app.add_flag("--verbose", verbose, "Failures tell all they know, backtraces among it; before or after the command");
  app.fallthrough();
  Action action;
  add_train(app, action);
  add_plan(app, action);
  add_compare(app, action);
  add_resume(app, action);
  add_show(app, action);
  add_reproduce(app, action);
  add_theory(app, action);
  add_kinds(app, action);
  app.footer(kProgramFooter);  // last: commands inherit what is set before them

  const Named named = named_command(app, argc, argv);
  try {
    check_command(named);
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << fmt::format("gradquake: {} ({} --help)\n", first_line(error.what()), named.name);
    return kCallersMistake;
  }
  set_verbose(verbose);
  try {
    return action();
  } catch (...) {
    return report_failure();
  }
}

}  // namespace gradquake::cli
