#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "gradquake/cli/command.h"
#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/report/print.h"
#include "gradquake/report/record_json.h"
#include "gradquake/report/summary.h"
#include "gradquake/report/svg.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::cli {
namespace {

constexpr const char* kShowFooter = R"(Examples:
  gradquake show runs/digits-mlp                   the tables that train printed at the end
  gradquake show runs/digits-mlp --svg run.svg     and a picture: loss and gradient norm, a mark for each spike
  gradquake show runs/digits-mlp --json            summary.json

Reads the run's files and changes none of them.)";

struct ShowOptions {
  std::string folder;
  std::string svg;
  bool json = false;
};

std::string subtitle(const report::Summary& summary) {
  std::string text =
      fmt::format("Verdict: {}. {} spikes in {} episodes", summary.verdict, summary.spikes, summary.episodes);
  if (summary.eval && summary.eval->accuracy) text += fmt::format(", accuracy {:.1f} %", 100 * *summary.eval->accuracy);
  return text;
}

std::string name_of(const std::filesystem::path& folder) {
  return std::filesystem::weakly_canonical(folder).filename().string();
}

int show(const ShowOptions& options) {
  const run::RunFolder folder = run::open_run_folder(options.folder);
  if (!folder.finished()) {
    throw UserError("show", fmt::format("expected a finished run, got {0}, which has no summary.json (gradquake resume "
                                        "{0} goes on with it)",
                                        options.folder));
  }
  const report::Summary summary = report::read_summary(folder.file("summary.json"));
  const std::vector<SpikeRecord> spikes = report::read_records<SpikeRecord>(folder.file("spikes.jsonl"));
  if (!options.svg.empty()) {
    const report::RunPicture picture{name_of(folder.path), subtitle(summary),
                                     report::read_curves(folder.file("steps.jsonl")), spikes};
    write_result("show", options.svg, report::run_svg(picture));
    std::cerr << fmt::format("picture in {}\n", options.svg);
  }
  if (options.json) {
    std::cout << std::ifstream(folder.file("summary.json")).rdbuf();
  } else {
    report::print_report(std::cout, summary, spikes);
    std::cout << fmt::format("\nrecords in {}\n", folder.path.string());
  }
  return kDone;
}

}  // namespace

void add_show(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Print the tables of a finished run again, or draw it");
  command->add_option("RUN", options->folder, "The run's folder")->required()->option_text("folder");
  command->add_option("--svg", options->svg, "Write a picture of the run into this file")->option_text("FILE");
  command->add_flag("--json", options->json, "Print the summary as one JSON document on standard output");
  command->footer(kShowFooter);
  command->callback([options, &action] { action = [options] { return show(*options); }; });
}

}  // namespace gradquake::cli
