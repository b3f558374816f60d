#include "gradquake/run/assembly.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/data/registry.h"
#include "gradquake/hooks/rule_error.h"
#include "gradquake/model/model.h"
#include "gradquake/model/module_state.h"
#include "gradquake/model/registry.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/evaluate.h"

namespace gradquake::run {
namespace {

at::Device device_of(const RunConfig& config) {
  if (config.run.device == DeviceKind::kCpu) return at::kCPU;
  if (!at::hasCUDA())
    throw UserError("run", "expected run.device cpu, got cuda, which this LibTorch or machine does not have");
  return at::kCUDA;
}

std::string text_of(const data::DataShape& shape) {
  switch (shape.targets()) {
    case data::TargetKind::kClasses:
      return fmt::format("{} classes", shape.classes);
    case data::TargetKind::kSigns:
      return "labels -1 and +1";
    case data::TargetKind::kReal:
      break;
  }
  return "targets of numbers";
}

// The objective takes the data's targets, and a label that the output holds or not.
void check_objective(const RunConfig& config, const train::Objective& objective, const data::DataShape& shape,
                     std::optional<bool> label_inside) {
  const auto fits = [&](const train::Objective& one) {
    return one.takes(shape.targets()) && one.label_inside() == label_inside.value_or(one.label_inside());
  };
  if (fits(objective)) return;
  std::vector<std::string> fitting;
  for (const KindInfo& kind : train::objectives().kinds()) {
    const bool bare = std::none_of(kind.parameters.begin(), kind.parameters.end(),
                                   [](const Parameter& one) { return one.required(); });
    if (bare && fits(*train::make_objective(kind.name))) fitting.push_back(kind.name);
  }
  throw UserError("config", fmt::format("expected objective.kind {} for model.kind {} on data.kind {} ({}), got {}",
                                        fmt::join(fitting, ", "), config.model.spec.kind, config.data.spec.kind,
                                        text_of(shape), config.objective.kind));
}

void check_rows(const RunConfig& config, const model::Network& network) {
  const std::int64_t rows = std::max(
      {train::kEvaluationRows, config.data.micro_batch.value_or(config.data.batch_size), config.curvature.probe});
  if (rows > network.most_rows)
    throw UserError("config", fmt::format("expected a model that takes {} rows at once (evaluation, data.batch_size, "
                                          "monitor.curvature.probe), got one of at most {}",
                                          rows, network.most_rows));
}

model::ModelInput model_input(const data::DataShape& shape) {
  model::ModelInput input{shape.sample, shape.classes};
  if (shape.target) {
    input.numbers = 1;
    for (const std::int64_t size : *shape.target) input.numbers *= size;
  }
  return input;
}

// The task says which rule is wrong; the place in the config is known here.
void resolve(const RunConfig& config, train::Task& task) {
  try {
    train::resolve(task);
  } catch (const RuleError& error) {
    throw UserError("config", config.rules.at(error.rule()).place(error.key()) + ": " + error.what());
  }
}

}  // namespace

train::Task assemble(const RunConfig& config) {
  train::Task task;
  task.device = device_of(config);
  at::set_num_threads(static_cast<int>(config.run.threads));
  const at::ScalarType dtype = config.run.dtype == Dtype::kFloat64 ? at::kDouble : at::kFloat;
  task.name = "model.kind " + config.model.spec.kind;
  task.seed = config.run.seed;
  task.batch_size = config.data.batch_size;
  task.micro_batch = config.data.micro_batch;
  task.objective = train::make_objective(config.objective);
  task.regularizer = config.regularizer;
  task.optimizer = config.optimizer;
  task.data = data::load_data(config.data, config.run.seed, dtype);
  const data::DataShape shape = task.data.train->shape();
  const model::Network network =
      model::make_network(config.model, model_input(shape), named_seed(config.run.seed, "model.init"));
  check_rows(config, network);
  check_objective(config, *task.objective, shape, network.label_inside);
  model::convert(*network.module, task.device, dtype);
  task.model = network.module;
  task.forward = network.forward;
  task.notes = network.notes;
  task.operator_sites = network.operator_sites;
  at::manual_seed(named_seed(config.run.seed, "torch"));

  const data::BatchSampler sampler(task.data.train->size(), config.data.batch_size, 0);
  task.steps = config.run.epochs ? *config.run.epochs * sampler.steps_per_epoch() : config.run.steps;
  task.rules = config.plain_rules();
  task.aliases = config.aliases;
  resolve(config, task);
  return task;
}

Options run_options(const RunConfig& config) {
  Options options;
  options.name = config.run.name;
  options.on_nonfinite = config.run.on_nonfinite;
  options.monitor = config.monitor;
  options.curvature = config.curvature;
  options.shadow_interval = config.shadow_interval;
  options.evaluate_interval = config.evaluate_interval;
  options.checkpoint_interval = config.checkpoint_interval;
  options.checkpoint_keep = config.checkpoint_keep;
  options.ledger = config.ledger;
  for (const PlacedCallback& placed : config.callbacks)
    options.callbacks.emplace_back(placed.name, make_callback(placed));
  options.config_digest = config.digest;
  return options;
}

}  // namespace gradquake::run
