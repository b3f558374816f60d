#include "gradquake/compare/outcome.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gradquake/hooks/plan.h"
#include "gradquake/run/assembly.h"
#include "gradquake/theory/shares.h"
#include "gradquake/train/evaluate.h"
#include "gradquake/train/trainer.h"

namespace gradquake::compare {
namespace {

constexpr std::int64_t kLooks[] = {5, 10, 20, 30};

// The directions that a rule of this arm acts in.
Direction direction_of(Arm arm) {
  return arm == Arm::kForward ? Direction::kForward : arm == Arm::kBackward ? Direction::kBackward : Direction::kBoth;
}

// The run of a seed, perturbed by the one rule of an arm.
run::RunConfig config_of(run::RunConfig config, const CompareConfig& asked, const ComparedKind* kind, Arm arm,
                         std::uint64_t seed) {
  config.run.seed = seed;
  config.run.steps = asked.outcome.steps;
  config.run.epochs.reset();
  config.rules.clear();
  if (kind == nullptr) return config;
  train::PlacedRule placed;
  placed.rule = {.label = std::string("compare.") + to_text(arm),
                 .sites = asked.sites,
                 .direction = direction_of(arm),
                 .perturbation = kind->at(asked.outcome.relative_size)};
  placed.places = {{"kind", "compare.kinds"}, {"sites", "compare.sites"}};
  config.rules.push_back(std::move(placed));
  return config;
}

OutcomeRun train(const run::RunConfig& asked_run, const CompareConfig& asked, const ComparedKind* kind, Arm arm,
                 std::uint64_t seed) {
  OutcomeRun result;
  result.kind = kind == nullptr ? "" : kind->label;
  result.arm = arm;
  result.seed = seed;
  const run::RunConfig config = config_of(asked_run, asked, kind, arm, seed);
  train::Task task = run::assemble(config);
  const data::Dataset& judged = task.data.test ? *task.data.test : *task.data.train;
  result.first_loss = train::evaluate(task, judged, 0).loss;
  train::TrainerOptions options;
  options.shadow_interval = 0;
  options.on_nonfinite = train::OnNonfinite::kStop;
  const train::RunEnd end = train::Trainer(std::move(options), task, {}).run();
  const EvaluationRecord last = train::evaluate(task, judged, end.steps);
  const double limit = config.monitor.recovery.diverged_loss_factor * result.first_loss;
  result.diverged = end.stopped_nonfinite || !std::isfinite(last.loss) || last.loss > limit;
  result.loss = result.served_loss = result.diverged ? limit : last.loss;
  result.accuracy = last.accuracy;
  if (!result.diverged && (arm == Arm::kForward || arm == Arm::kBoth)) {
    Rule forward = config.rules[0].rule;
    forward.direction = Direction::kForward;
    Plan plan({forward}, {.seed = task.seed, .aliases = task.aliases});
    const double served = train::evaluate(task, judged, end.steps, &plan).loss;
    result.served_loss = std::isfinite(served) ? std::min(served, limit) : limit;
  }
  return result;
}

// Of one arm, by seed.
using BySeed = std::vector<const OutcomeRun*>;

BySeed runs_of(const std::vector<OutcomeRun>& runs, const std::string& kind, Arm arm, std::int64_t seeds) {
  BySeed found;
  for (const OutcomeRun& one : runs)
    if (one.kind == kind && one.arm == arm) found.push_back(&one);
  std::sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->seed < b->seed; });
  found.resize(static_cast<std::size_t>(std::min<std::int64_t>(seeds, static_cast<std::int64_t>(found.size()))));
  return found;
}

template <class Figure>
std::vector<double> values(const BySeed& runs, const Figure& figure) {
  std::vector<double> all;
  for (std::size_t i = 0; i < runs.size(); ++i) all.push_back(figure(*runs[i], i));
  return all;
}

OutcomeArm arm_of(const BySeed& runs, const BySeed& clean) {
  OutcomeArm result;
  result.kind = runs[0]->kind;
  result.arm = runs[0]->arm;
  result.loss = mean_of(values(runs, [](const OutcomeRun& one, std::size_t) { return one.loss; }));
  result.cost =
      mean_of(values(runs, [&](const OutcomeRun& one, std::size_t i) { return one.loss / clean[i]->loss - 1; }));
  result.served_cost =
      mean_of(values(runs, [&](const OutcomeRun& one, std::size_t i) { return one.served_loss / clean[i]->loss - 1; }));
  const auto diverged = std::count_if(runs.begin(), runs.end(), [](const OutcomeRun* one) { return one->diverged; });
  const theory::Share share = theory::exact_share(diverged, static_cast<std::int64_t>(runs.size()));
  result.diverged = {share.value, share.low, share.high};
  if (std::all_of(runs.begin(), runs.end(), [](const OutcomeRun* one) { return one->accuracy.has_value(); }))
    result.accuracy = mean_of(values(runs, [](const OutcomeRun& one, std::size_t) { return *one.accuracy; }));
  return result;
}

// Decided where the costs differ at what this look may spend.
Difference difference_of(const BySeed& forward, const BySeed& backward, const BySeed& clean, double level) {
  const std::vector<double> differences = values(
      forward, [&](const OutcomeRun& one, std::size_t i) { return (one.loss - backward[i]->loss) / clean[i]->loss; });
  Difference result{forward[0]->kind, mean_of(differences), "undecided"};
  if (p_of_mean(differences) <= level) result.worse = result.cost.estimate > 0 ? "forward" : "backward";
  return result;
}

std::vector<std::int64_t> looks_of(const OutcomeConfig& config) {
  std::vector<std::int64_t> looks;
  for (const std::int64_t look : kLooks)
    if (look > config.least && look < config.most) looks.push_back(look);
  looks.insert(looks.begin(), config.least);
  if (config.most > config.least) looks.push_back(config.most);
  return looks;
}

}  // namespace

double spent_at(double share) { return std::erfc(1.959963984540054 / std::sqrt(2 * share)); }

Outcome outcome(const run::RunConfig& config, const CompareConfig& asked, std::vector<OutcomeRun> found,
                const std::function<void(const OutcomeRun&)>& keep,
                const std::function<void(std::size_t done, std::size_t most)>& tick) {
  Outcome result;
  result.runs = std::move(found);
  const std::size_t most = static_cast<std::size_t>(asked.outcome.most) * (1 + 3 * asked.kinds.size());
  std::size_t done = 0;
  const auto run_once = [&](const ComparedKind* kind, Arm arm, std::uint64_t number) {
    const std::string label = kind == nullptr ? "" : kind->label;
    const auto known = std::find_if(result.runs.begin(), result.runs.end(), [&](const OutcomeRun& one) {
      return one.kind == label && one.arm == arm && one.seed == config.run.seed + number;
    });
    if (known == result.runs.end()) {
      result.runs.push_back(train(config, asked, kind, arm, config.run.seed + number));
      if (keep) keep(result.runs.back());
    }
    if (tick) tick(++done, most);
  };
  for (const ComparedKind& kind : asked.kinds)  // mistakes come out before anything is trained
    run::assemble(config_of(config, asked, &kind, Arm::kBoth, config.run.seed));
  double spent = 0;
  for (const std::int64_t look : looks_of(asked.outcome)) {
    for (; result.seeds < look; ++result.seeds) {
      const auto number = static_cast<std::uint64_t>(result.seeds);
      run_once(nullptr, Arm::kNone, number);
      for (const ComparedKind& kind : asked.kinds)
        for (const Arm arm : {Arm::kForward, Arm::kBackward, Arm::kBoth}) run_once(&kind, arm, number);
    }
    const double allowed = spent_at(static_cast<double>(look) / static_cast<double>(asked.outcome.most));
    const BySeed clean = runs_of(result.runs, "", Arm::kNone, look);
    result.differences.clear();
    for (const ComparedKind& kind : asked.kinds) {
      result.differences.push_back(difference_of(runs_of(result.runs, kind.label, Arm::kForward, look),
                                                 runs_of(result.runs, kind.label, Arm::kBackward, look), clean,
                                                 allowed - spent));
    }
    spent = allowed;
    const bool decided = std::all_of(result.differences.begin(), result.differences.end(),
                                     [](const Difference& one) { return one.worse != "undecided"; });
    if (decided) break;
  }
  const BySeed clean = runs_of(result.runs, "", Arm::kNone, result.seeds);
  result.arms.push_back(arm_of(clean, clean));
  for (const ComparedKind& kind : asked.kinds)
    for (const Arm arm : {Arm::kForward, Arm::kBackward, Arm::kBoth})
      result.arms.push_back(arm_of(runs_of(result.runs, kind.label, arm, result.seeds), clean));
  return result;
}

std::string to_line(const OutcomeRun& run) {
  nlohmann::ordered_json json{
      {"kind", run.kind}, {"arm", to_text(run.arm)},        {"seed", run.seed},    {"first_loss", run.first_loss},
      {"loss", run.loss}, {"served_loss", run.served_loss}, {"accuracy", nullptr}, {"diverged", run.diverged}};
  if (run.accuracy) json["accuracy"] = *run.accuracy;
  return json.dump();
}

OutcomeRun outcome_run_of(const std::string& line) {
  const auto json = nlohmann::json::parse(line);
  OutcomeRun run;
  run.kind = json.at("kind");
  run.arm = from_text<Arm>(json.at("arm").get<std::string>());
  run.seed = json.at("seed");
  run.first_loss = json.at("first_loss");
  run.loss = json.at("loss");
  run.served_loss = json.at("served_loss");
  if (!json.at("accuracy").is_null()) run.accuracy = json.at("accuracy").get<double>();
  run.diverged = json.at("diverged");
  return run;
}

}  // namespace gradquake::compare
