#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gradquake/cli/command.h"
#include "gradquake/cli/theory_report.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/measure/constants_file.h"
#include "gradquake/measure/constants_json.h"
#include "gradquake/measure/constants_measure.h"
#include "gradquake/predict/score_runs.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTheoryFooter = R"(Examples:
  gradquake theory bound --constants configs/theory/constants.yaml
  gradquake theory budget --constants configs/theory/constants.yaml --frequency 0.01
  gradquake theory predict --constants configs/theory/constants.yaml step_size=0.01 --json
  gradquake theory constants configs/digits_mlp.yaml --out constants.yaml
  gradquake theory score runs/digits-mlp

Nothing is trained. Where a condition of a theorem does not hold, no number is given and the reason stands in its place.)";

struct TheoryOptions {
  std::string constants;
  std::vector<std::string> overrides;
  double frequency = 1;
  bool json = false;
};

using Answer = Json (*)(const measure::ConstantsFile&, const TheoryOptions&);
using Table = std::string (*)(const Json&);

int answer(const TheoryOptions& options, Answer document_of, Table table_of) {
  const Json document = document_of(measure::load_constants(options.constants, options.overrides), options);
  std::cout << (options.json ? document.dump(2) + "\n" : table_of(document));
  return kDone;
}

CLI::App* add_question(CLI::App& theory, Action& action, const char* name, const char* help,
                       const std::shared_ptr<TheoryOptions>& options, Answer document_of, Table table_of) {
  CLI::App* command = theory.add_subcommand(name, help);
  command->add_option("--constants", options->constants, "YAML or JSON file, see configs/theory/constants.yaml")
      ->required();
  command->add_option("OVERRIDES", options->overrides, "dotted.key=value, the value being YAML: step_size=0.01");
  command->add_flag("--json", options->json, "Print the answer as one JSON document");
  command->callback([=, &action] { action = [=] { return answer(*options, document_of, table_of); }; });
  return command;
}

struct MeasureOptions {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  bool json = false;
};

int measure(const MeasureOptions& options) {
  std::vector<std::string> overrides = options.overrides;
  overrides.push_back("run.dtype=float64");
  const run::RunConfig config = run::read_run_config(config::Document::load(options.config, overrides));
  const measure::ConstantsFile file = measure::measure_constants(run::assemble(config), config.curvature);
  const std::string yaml = measure::constants_yaml(file);
  if (!options.out.empty()) write_result("theory", options.out, yaml);
  if (options.json)
    std::cout << measure::constants_json(file).dump(2) << '\n';
  else if (options.out.empty())
    std::cout << yaml;
  return kDone;
}

void add_measure(CLI::App& theory, Action& action) {
  const auto options = std::make_shared<MeasureOptions>();
  CLI::App* command = theory.add_subcommand(
      "constants", "Measure the constants of a config's network at the weights it starts from (model.weights)");
  command->add_option("CONFIG", options->config, "YAML file, see configs/README.md")->required();
  command->add_option("OVERRIDES", options->overrides, "dotted.key=value, the value being YAML: run.seed=2");
  command->add_option("--out", options->out, "File to write, which the other theory commands read");
  command->add_flag("--json", options->json, "Print the constants as one JSON document");
  command->callback([options, &action] { action = [options] { return measure(*options); }; });
}

struct ScoreOptions {
  std::vector<std::string> folders;
  bool json = false;
};

void add_score(CLI::App& theory, Action& action) {
  const auto options = std::make_shared<ScoreOptions>();
  CLI::App* command = theory.add_subcommand("score", "How good the predictions of finished runs were");
  command->add_option("FOLDER", options->folders, "A group of runs: all that lie below it")->required();
  command->add_flag("--json", options->json, "Print the score as one JSON document");
  command->callback([options, &action] {
    action = [options] {
      const Json document = predict::score_runs(options->folders);
      std::cout << (options->json ? document.dump(2) + "\n" : predict::score_table(document));
      return kDone;
    };
  });
}

}  // namespace

void add_theory(CLI::App& app, Action& action) {
  const auto options = std::make_shared<TheoryOptions>();
  CLI::App* theory =
      app.add_subcommand("theory", "Bounds, budgets and predictions of arXiv 2602.20646, and their constants");
  theory->require_subcommand(1);
  add_measure(*theory, action);
  add_question(
      *theory, action, "bound", "Theorems 1, 2, 3 and 5 in every variant, term by term", options,
      [](const measure::ConstantsFile& file, const TheoryOptions&) { return bound_json(file); }, bound_table);
  add_question(
      *theory, action, "budget", "How much perturbation keeps the rate: magnitudes, occurrences, step sizes", options,
      [](const measure::ConstantsFile& file, const TheoryOptions& asked) { return budget_json(file, asked.frequency); },
      budget_table)
      ->add_option("--frequency", options->frequency, "How often a site fires, in the magnitude budgets")
      ->check(CLI::Range(1e-300, 1.0));
  add_question(
      *theory, action, "predict", "Plateau, recovery after a spike, steps to a target", options,
      [](const measure::ConstantsFile& file, const TheoryOptions&) { return predict_json(file); }, predict_table);
  add_score(*theory, action);
  theory->footer(kTheoryFooter);  // last: the questions inherit what is set before them
}

}  // namespace gradquake::cli
