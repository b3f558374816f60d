#include "gradquake/run/assembly.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/data/registry.h"
#include "gradquake/hooks/rehearsal.h"
#include "gradquake/model/model.h"
#include "gradquake/model/registry.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::run {
namespace {

at::Device device_of(const RunConfig& config) {
  if (config.run.device == "cuda" && !at::hasCUDA()) {
    throw UserError("run", "expected run.device cpu, got cuda, which this LibTorch or machine does not have");
  }
  return at::Device(config.run.device);
}

std::int64_t batch_rows(const train::Task& task) { return std::min(task.batch_size, task.data.train->size()); }

data::Batch first_rows(const train::Task& task, std::int64_t rows) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i);
  const data::Batch batch = task.data.train->get(indices);
  return {batch.input.to(task.device), batch.target.to(task.device), {}};
}

std::vector<SiteInfo> dry_run(const train::Task& task) {
  const curvature::StateGuard guard(*task.model, std::nullopt, curvature::Derivatives::kFirst);
  const at::NoGradGuard no_grad;
  const data::Batch batch = first_rows(task, batch_rows(task));
  const SiteRecorder recorder;
  task.model->forward_with_target(batch.input, batch.target);
  return recorder.sites();
}

// Every rule once, forward and backward, on a dry (micro-)batch.
void rehearse(const RunConfig& config, const train::Task& task) {
  if (task.plan->rules().empty()) return;
  const curvature::StateGuard guard(*task.model, std::nullopt, curvature::Derivatives::kFirst);
  const std::int64_t rows = batch_rows(task), part = std::min(rows, task.micro_batch.value_or(rows));
  const data::Batch batch = first_rows(task, part);
  try {
    const Rehearsal rehearsal(
        *task.plan, {.first_row = part < rows ? part : 0, .rows = part, .loss_divisor = static_cast<double>(rows)});
    const at::Tensor loss =
        train::objective_loss(task.objective, task.model->forward_with_target(batch.input, batch.target), batch.target);
    torch::autograd::grad({loss}, model::trained_parameters(*task.model).tensors, {}, std::nullopt, false, true);
  } catch (const RuleError& error) {
    throw UserError("config", config.rules.at(error.rule()).place(error.key()) + ": " + error.what());
  }
}

void check_objective(const RunConfig& config, const data::DataShape& shape) {
  const bool labels = shape.classes == 0;
  if (config.objective == "cross_entropy" && labels) {
    throw UserError("run", fmt::format("expected objective.kind logistic for data.kind {} (labels -1 and +1), got {}",
                                       config.data.spec.kind, config.objective));
  }
  if (config.objective == "logistic" && !labels) {
    throw UserError("run", fmt::format("expected objective.kind cross_entropy or mse for data.kind {} ({} classes), "
                                       "got logistic",
                                       config.data.spec.kind, shape.classes));
  }
}

std::vector<std::string> names_of(const std::vector<SiteInfo>& sites) {
  std::vector<std::string> names;
  for (const SiteInfo& site : sites) names.push_back(site.name);
  return names;
}

// Plan says which rule is wrong; the place in the config is known here.
std::unique_ptr<Plan> make_plan(const RunConfig& config, const train::Task& task) {
  const PlanOptions options{named_seed(config.run.seed, "perturbations"), task.steps};
  const std::vector<std::string> sites = names_of(task.sites);
  for (const train::PlacedRule& placed : config.rules) {
    try {
      const Plan alone({placed.rule}, options, sites);
    } catch (const RuleError& error) {
      throw UserError("config", placed.place(error.key()) + ": " + error.what());
    }
  }
  try {
    return std::make_unique<Plan>(config.plain_rules(), options, sites);
  } catch (const std::invalid_argument& error) {
    throw UserError("config", std::string("perturbations: ") + error.what());
  }
}

}  // namespace

train::Task assemble(const RunConfig& config) {
  train::Task task;
  const at::Device device = device_of(config);
  at::set_num_threads(static_cast<int>(config.run.threads));
  const at::ScalarType dtype = config.run.dtype == "float64" ? at::kDouble : at::kFloat;
  task.seed = config.run.seed;
  task.device = device;
  task.dtype = dtype;
  task.batch_size = config.data.batch_size;
  task.micro_batch = config.data.micro_batch;
  task.objective = train::objective_from_name(config.objective);
  task.regularizer = config.regularizer;
  task.optimizer = config.optimizer;
  task.model_kind = config.model.spec.kind;
  task.data = data::load_data(config.data, config.run.seed, dtype);
  const data::DataShape shape = task.data.train->shape();
  check_objective(config, shape);
  task.model =
      model::make_model(config.model, {shape.sample, shape.classes}, named_seed(config.run.seed, "model.init"));
  task.model->to(device, dtype);
  task.model->train();
  at::manual_seed(named_seed(config.run.seed, "torch"));

  const data::BatchSampler sampler(task.data.train->size(), config.data.batch_size, 0);
  task.steps = config.run.epochs ? *config.run.epochs * sampler.steps_per_epoch() : config.run.steps;
  task.sites = dry_run(task);
  task.plan = make_plan(config, task);
  rehearse(config, task);
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
  for (const PlacedCallback& placed : config.callbacks) {
    options.callbacks.emplace_back(placed.name, make_callback(placed));
  }
  options.digest = config.digest;
  return options;
}

}  // namespace gradquake::run
