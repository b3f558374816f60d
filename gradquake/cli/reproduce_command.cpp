#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "gradquake/cli/command.h"
#include "gradquake/core/error.h"
#include "gradquake/paper/reproduce.h"

namespace gradquake::cli {
namespace {

using paper::Claim;
using paper::ExecutorProgress;

constexpr const char* kReproduceFooter = R"(Examples:
  gradquake reproduce paper --quick --out runs/quick
  gradquake reproduce paper
  gradquake reproduce paper --figure 4 --out runs/figure4 'seeds=[1, 2]'

The folder holds figure3.csv to figure8.csv, standard.csv, coupled.csv and table1.csv, a row a run; claims.json, each
claim with its estimates, intervals and verdict; and claims.md, the same to read. A stopped reproduction goes on when
started again. The settings stand in claims.json.)";

struct ReproduceOptions {
  std::string name;
  std::vector<std::string> overrides;
  bool quick = false;
  std::optional<int> figure;
  std::string out = "runs/paper";
  bool json = false;
};

void show(const ExecutorProgress& p) {
  const double share = p.replica_steps_done / p.replica_steps;
  std::cerr << fmt::format("\r{} of {} runs, {:.0f} %, {:.0f} s, {:.0f} s left   ", p.runs_done, p.runs, 100 * share,
                           p.seconds, p.seconds * (1 - share) / share)
            << std::flush;
}

void print(const paper::Reproduction& result, const std::string& out) {
  for (const Claim& claim : result.claims) {
    std::cout << fmt::format("({}) {}\n    {}\n", claim.id, claim.statement, claim.verdict);
    if (!claim.rows.empty()) {
      const auto& row = claim.rows.front();
      std::cout << fmt::format("    {}, {}: {:.4g} [{:.4g}, {:.4g}]\n", row.what, row.where, row.estimate.value,
                               row.estimate.low, row.estimate.high);
    }
  }
  std::cout << fmt::format("{} runs made in {:.1f} s; figures and claims.json are in {}\n", result.work.made,
                           result.work.seconds, out);
}

int reproduce(const ReproduceOptions& options) {
  if (options.name != "paper")
    throw UserError("cli", "expected a reproduction by name, one of: paper, got " + options.name);
  const paper::Settings settings = paper::read_settings(options.quick, options.overrides);
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const auto result = paper::reproduce(settings, options.figure, options.out,
                                       terminal ? show : std::function<void(const ExecutorProgress&)>());
  if (terminal && result.work.made > 0) std::cerr << '\n';
  if (options.json) {
    std::ifstream file(options.out + "/claims.json", std::ios::binary);
    std::cout << file.rdbuf();
  } else {
    print(result, options.out);
  }
  return kDone;
}

}  // namespace

void add_reproduce(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ReproduceOptions>();
  CLI::App* command = app.add_subcommand(
      "reproduce", "Reproduce the experiments of arXiv 2602.20646 and judge its claims; goes on where it was stopped");
  command->add_option("NAME", options->name, "paper: section 7, Table 1 and the appendix")->required();
  command->add_option("OVERRIDES", options->overrides, "key=value of the settings, the value being YAML: seeds=[1,2]");
  command->add_flag("--quick", options->quick, "Small grids and short runs, seconds in all");
  command->add_option("--figure", options->figure, "One figure, 3 to 8, and no sweeps");
  command->add_option("--out", options->out, "Folder of the CSV files and claims.json")->capture_default_str();
  command->add_flag("--json", options->json, "Print claims.json");
  command->footer(kReproduceFooter);
  command->callback([options, &action] { action = [options] { return reproduce(*options); }; });
}

}  // namespace gradquake::cli
