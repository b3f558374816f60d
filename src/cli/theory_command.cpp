#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gradquake/cli/command.h"
#include "gradquake/study/constants_file.h"
#include "gradquake/study/theory_report.h"

namespace gradquake::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string constants;
  std::vector<std::string> overrides;
  double frequency = 1;
  bool json = false;
};

using Answer = Json (*)(const study::ConstantsFile&, const Options&);
using Table = std::string (*)(const Json&);

int answer(const Options& options, Answer document_of, Table table_of) {
  const Json document = document_of(study::load_constants(options.constants, options.overrides), options);
  std::cout << (options.json ? document.dump(2) + "\n" : table_of(document));
  return kDone;
}

CLI::App* add_question(CLI::App& theory, Action& action, const char* name, const char* help,
                       const std::shared_ptr<Options>& options, Answer document_of, Table table_of) {
  CLI::App* command = theory.add_subcommand(name, help);
  command->add_option("--constants", options->constants, "YAML or JSON file, see configs/theory/constants.yaml")
      ->required();
  command->add_option("OVERRIDES", options->overrides, "dotted.key=value, the value being YAML: step_size=0.01");
  command->add_flag("--json", options->json, "Print the answer as one JSON document");
  command->callback([=, &action] { action = [=] { return answer(*options, document_of, table_of); }; });
  return command;
}

}  // namespace

void add_theory(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Options>();
  CLI::App* theory = app.add_subcommand("theory", "Bounds, budgets and predictions of arXiv 2602.20646");
  theory->require_subcommand(1);
  add_question(
      *theory, action, "bound", "Theorems 1, 2, 3 and 5 in every variant, term by term", options,
      [](const study::ConstantsFile& file, const Options&) { return study::bound_json(file); }, study::bound_table);
  add_question(
      *theory, action, "budget", "How much perturbation keeps the rate: magnitudes, occurrences, step sizes", options,
      [](const study::ConstantsFile& file, const Options& asked) { return study::budget_json(file, asked.frequency); },
      study::budget_table)
      ->add_option("--frequency", options->frequency, "How often a site fires, in the magnitude budgets")
      ->check(CLI::Range(1e-300, 1.0));
  add_question(
      *theory, action, "predict", "Plateau, recovery after a spike, steps to a target", options,
      [](const study::ConstantsFile& file, const Options&) { return study::predict_json(file); }, study::predict_table);
}

}  // namespace gradquake::cli
