#include "gradquake/compare/networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "gradquake/data/dataset.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/monitor/robust_detector.h"
#include "gradquake/run/assembly.h"
#include "gradquake/train/callback.h"
#include "gradquake/train/evaluate.h"
#include "gradquake/train/trainer.h"

namespace gradquake::compare {
namespace {

run::RunConfig config_of(run::RunConfig config, const WantedNetwork& wanted) {
  config.run.seed = wanted.seed;
  config.run.steps = wanted.steps;
  config.run.epochs.reset();
  config.rules.clear();
  for (const Rule& rule : wanted.rules) {
    train::PlacedRule placed;
    placed.rule = rule;
    placed.places = {{"kind", "compare.kinds"}, {"sites", "compare.sites"}};
    config.rules.push_back(std::move(placed));
  }
  return config;
}

// Counts spikes, and keeps the evaluation that the trainer ends with.
class Watch : public train::Callback {
 public:
  explicit Watch(const monitor::SpikeConfig& config) : detector_(config), least_(config.robust_score) {}
  void before_update(const StepRecord& record, const train::StepView& /*view*/) override {
    const std::optional<double> score = detector_.score(record.grad_norm);
    if (!record.finite || (score && *score >= least_)) ++spikes_;
    detector_.enter(record.grad_norm);
  }
  void on_evaluation(const EvaluationRecord& record) override { last_ = record; }
  std::int64_t spikes() const { return spikes_; }
  const EvaluationRecord& last() const { return last_; }

 private:
  EvaluationRecord last_;
  monitor::RobustDetector detector_;
  double least_;
  std::int64_t spikes_ = 0;
};

// The rules that a machine with such a forward pass keeps when it serves the network.
std::vector<Rule> served_rules(const std::vector<Rule>& rules) {
  std::vector<Rule> served;
  for (const Rule& rule : rules) {
    if (rule.direction == Direction::kBackward) continue;
    served.push_back(rule);
    served.back().direction = Direction::kForward;
  }
  return served;
}

Network train_one(const run::RunConfig& asked, const WantedNetwork& wanted) {
  Network result{.name = wanted.name, .seed = wanted.seed, .steps = wanted.steps};
  const run::RunConfig config = config_of(asked, wanted);
  train::Task task = run::assemble(config);
  const data::Dataset& judged = *task.data.test;
  result.first_loss = train::evaluate(task, judged, 0).loss;
  train::TrainerOptions options;
  options.shadow_interval = 0;
  options.on_nonfinite = train::OnNonfinite::kStop;
  Watch watch(config.monitor.spikes);
  const train::RunEnd end = train::Trainer(std::move(options), task, {&watch}).run();
  const EvaluationRecord& last = watch.last();
  const double limit = config.monitor.recovery.diverged_loss_factor * result.first_loss;
  result.diverged = end.stopped_nonfinite || !std::isfinite(last.loss) || last.loss > limit;
  result.loss = result.served_loss = result.diverged ? limit : last.loss;
  result.accuracy = last.accuracy;
  result.spikes = watch.spikes();
  const std::vector<Rule> served = served_rules(wanted.rules);
  if (!result.diverged && !served.empty()) {
    Plan plan(served, {.seed = task.seed, .aliases = task.aliases});
    const double loss = train::evaluate(task, judged, end.steps, &plan).loss;
    result.served_loss = std::isfinite(loss) ? std::min(loss, limit) : limit;
  }
  return result;
}

}  // namespace

Networks::Networks(run::RunConfig config, Work& work, std::function<void(std::size_t, std::size_t)> tick)
    : config_(std::move(config)), work_(work), tick_(std::move(tick)) {}

void Networks::check(const WantedNetwork& wanted) const { run::assemble(config_of(config_, wanted)); }

std::vector<Network> Networks::train(const std::vector<WantedNetwork>& wanted) {
  std::vector<std::string> names;
  for (const WantedNetwork& one : wanted)
    names.push_back(fmt::format("network {}, seed {}, {} steps", one.name, one.seed, one.steps));
  std::vector<Network> networks;
  for (const nlohmann::json& one : work_.results(
           names, [&](std::size_t i) { return json_of(train_one(config_, wanted[i])); }, tick_))
    networks.push_back(network_of(one));
  return networks;
}

nlohmann::ordered_json json_of(const Network& network) {
  nlohmann::ordered_json json{{"name", network.name},    {"seed", network.seed},
                              {"steps", network.steps},  {"first_loss", network.first_loss},
                              {"loss", network.loss},    {"served_loss", network.served_loss},
                              {"accuracy", nullptr},     {"diverged", network.diverged},
                              {"spikes", network.spikes}};
  if (network.accuracy) json["accuracy"] = *network.accuracy;
  return json;
}

Network network_of(const nlohmann::json& json) {
  Network network;
  network.name = json.at("name");
  network.seed = json.at("seed");
  network.steps = json.at("steps");
  network.first_loss = json.at("first_loss");
  network.loss = json.at("loss");
  network.served_loss = json.at("served_loss");
  if (!json.at("accuracy").is_null()) network.accuracy = json.at("accuracy").get<double>();
  network.diverged = json.at("diverged");
  network.spikes = json.at("spikes");
  return network;
}

std::vector<double> costs_of(const std::vector<Network>& networks, const std::vector<Network>& clean) {
  std::vector<double> costs;
  for (std::size_t i = 0; i < networks.size(); ++i) costs.push_back(networks[i].loss / clean[i].loss - 1);
  return costs;
}

}  // namespace gradquake::compare
