#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "gradquake/cli/command.h"
#include "gradquake/compare/compare.h"

namespace gradquake::cli {
namespace {

constexpr const char* kCompareFooter = R"(Examples:
  gradquake compare configs/compare_digits.yaml
  gradquake compare configs/mnist_cnn.yaml 'compare.at=[0, 500]' --out runs/mnist-sites

Which sites can take noise, on the way forward and on the way back, and how much? At the weights that the run has at the
steps compare.at, a few double backward passes measure every site at once, without drawing any noise (the screen); then
each of compare.kinds is tried at one site at a time, at all, and at all but one, and the error of the gradient measured
(the probe). Then networks are trained under them, forward only, backward only and both, over seeds (the outcome); and,
where the config has a section compare.budget, or with --only budget, to find the largest size of each site that costs
less than a set amount, with rules to paste. Prints tables, and writes compare.json, a CSV for each and map.svg. The same
command writes the same bytes, whatever --jobs, and goes on where an interrupted one was.)";

struct CompareOptions {
  std::string config;
  std::vector<std::string> overrides;
  std::string only;
  std::string out;
  std::optional<std::int64_t> jobs;
  bool json = false;
};

int compare_sites(const CompareOptions& options) {
  config::Document document = config::Document::load(options.config, options.overrides);
  const run::RunConfig config = run::read_run_config(document);
  const compare::CompareConfig asked = compare::read_compare(document.root().section("compare"));
  const compare::ResultFolder folder{
      options.out.empty() ? config.run.out + "/" + config.run.name + "-compare" : options.out,
      document.resolved()};  // of both readers
  const auto part = options.only.empty() ? compare::Part::kAll : from_text<compare::Part>(options.only);
  compare::expect_own(folder);
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const compare::Comparison comparison = compare::compare(
      config, asked, part, options.jobs.value_or(config.run.threads), folder, [terminal](const std::string& line) {
        if (terminal) std::cerr << "\r\033[K" << line << std::flush;
      });
  if (terminal) std::cerr << "\r\033[K";
  compare::write_comparison(folder, comparison);
  if (options.json) {
    std::cout << compare::comparison_json(comparison).dump(2) << '\n';
  } else {
    compare::print_comparison(std::cout, comparison);
    std::cout << "\npicture and tables in " << folder.path.string() << '\n';
  }
  return kDone;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app.add_subcommand("compare", "How much noise every site can take, forward and backward");
  command->add_option("CONFIG", options->config, "The run, as YAML; its section compare says what to look at")
      ->required()
      ->option_text("file");
  command->add_option("OVERRIDES", options->overrides, "Replace keys of the config; the value is YAML")
      ->option_text("key=value ...");
  command->add_option("--only", options->only, "The part to run")
      ->check(CLI::IsMember({"screen", "probe", "outcome", "budget"}));
  command->add_option("--jobs", options->jobs, "Processes at a time, one thread each; else run.threads")
      ->check(CLI::Range(1, 1024))
      ->option_text("N");
  command->add_option("--out", options->out, "The folder to write; else <run.out>/<run.name>-compare");
  command->add_flag("--json", options->json, "Print the result as one JSON document");
  command->footer(kCompareFooter);
  command->callback([options, &action] { action = [options] { return compare_sites(*options); }; });
}

}  // namespace gradquake::cli
