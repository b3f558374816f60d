#include "gradquake/train/task.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/nearest.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/rehearsal.h"
#include "gradquake/hooks/rule_error.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/self_test.h"
#include "gradquake/model/operator_sites.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::train {
namespace {

void expect_parts(const Task& task) {
  const auto missing = [](const std::string& part) {
    throw UserError("train", "expected a task with " + part + ", got none");
  };
  if (!task.model) missing("a model");
  if (!task.forward) missing("a forward function");
  if (!task.objective) missing("an objective");
  if (!task.data.train) missing("training data");
}

std::int64_t batch_rows(const Task& task) { return std::min(task.batch_size, task.data.train->size()); }

void pass(const Task& task, const std::vector<at::Tensor>& parameters) {
  const data::Batch batch = task.data.train->range(0, batch_rows(task)).to(task.device);
  const at::Tensor output = task.forward(batch);
  if (!output.defined()) throw UserError("train", "expected an output of " + task.name + ", got an undefined tensor");
  task.objective->check(output, batch);
  const at::Tensor loss = task.objective->loss(output, batch);
  if (loss.numel() != 1 || !loss.requires_grad()) {
    throw UserError("train", "expected a loss of one number that depends on the parameters of " + task.name + ", got " +
                                 (loss.numel() != 1 ? std::to_string(loss.numel()) + " numbers" : "one that does not"));
  }
  torch::autograd::grad({loss}, parameters, {}, std::nullopt, false, true);
}

// The sites that one batch without a rule meets.
std::vector<SiteInfo> dry_run(const Task& task) {
  const std::vector<at::Tensor> parameters = model::trained_parameters(*task.model).tensors;
  if (parameters.empty())
    throw UserError("train", "expected a parameter that requires a gradient in " + task.name + ", got none");
  const double rate = task.optimizer.learning_rate();
  if (parameters[0].scalar_type() != at::kDouble && rate > std::numeric_limits<float>::max()) {
    throw UserError("train", fmt::format("expected a learning_rate of at most {:.6g}, the largest float32, got {:g}",
                                         std::numeric_limits<float>::max(), rate));
  }
  const curvature::StateGuard guard(*task.model, std::nullopt, curvature::Derivatives::kFirst);
  const SiteRecorder recorder;
  try {
    pass(task, parameters);
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError("train", task.name + " fails on one batch: " + detail::first_line(error));
  }
  return recorder.sites();
}

// A task may be resolved more than once.
void add_note(Task& task, const std::string& note) {
  if (std::find(task.notes.begin(), task.notes.end(), note) == task.notes.end()) task.notes.push_back(note);
}

void note_skipped(Task& task) {
  if (!task.operator_sites) return;
  const std::string skipped = summary_of(task.operator_sites->skipped());
  if (!skipped.empty()) add_note(task, "operators whose outputs are no sites: " + skipped + "; plan --json lists them");
}

// What depends on the whole batch comes out otherwise in its parts.
void note_split(Task& task) {
  if (task.micro_batch.value_or(task.batch_size) >= task.batch_size) return;
  for (const Rule& rule : task.plan->rules()) {
    if (rule.target != Target::kActivation || make_perturbation(rule.perturbation)->scope() != Scope::kBatch) continue;
    add_note(task, fmt::format("rule {}: {} depends on the whole tensor, of which micro-batches see a part each",
                               rule.label, describe_perturbation(rule.perturbation)));
  }
}

// A tensor that is to be remembered as a whole must hold the same samples at every step.
void require_whole_batches(const Task& task) {
  const std::int64_t size = task.data.train->size(), part = std::min(task.batch_size, task.micro_batch.value_or(size));
  if (part >= size) return;
  for (std::size_t i = 0; i < task.plan->rules().size(); ++i) {
    const Rule& rule = task.plan->rules()[i];
    if (rule.target != Target::kActivation || task.plan->memory().per(i) != MemoryPer::kTensor) continue;
    throw RuleError(
        i, "memory",
        fmt::format("[train] expected memory per_sample in rule {}, or all {} samples of the data set in one "
                    "batch, got per_tensor and {} samples at once, which are others at every step",
                    rule.label, size, part));
  }
}

// Every rule once on a (micro-)batch.
void rehearse(const Task& task, const model::TrainedParameters& parameters) {
  if (task.plan->rules().empty()) return;
  const curvature::StateGuard guard(*task.model, std::nullopt, curvature::Derivatives::kFirst);
  const std::int64_t rows = batch_rows(task), part = std::min(rows, task.micro_batch.value_or(rows));
  const data::Batch batch = task.data.train->range(0, part).to(task.device);
  const Rehearsal rehearsal(*task.plan, {.first_row = part < rows ? part : 0,
                                         .rows = part,
                                         .loss_divisor = static_cast<double>(rows),
                                         .sample_ids = batch.sample_ids});
  rehearsal.try_weights(parameters.names, parameters.tensors);
  const at::Tensor loss = task.objective->loss(task.forward(batch), batch);
  torch::autograd::grad({loss}, parameters.tensors, {}, std::nullopt, false, true);
  rehearsal.require_memory(task.data.train->size(), rows);
}

}  // namespace

at::ScalarType dtype_of(const Task& task) { return model::trained_parameters(*task.model).tensors.at(0).scalar_type(); }

void use_operator_sites(Task& task) {
  model::Network network = model::with_operator_sites({task.model, task.forward});
  task.forward = std::move(network.forward);
  task.operator_sites = std::move(network.operator_sites);
}

void resolve(Task& task) {
  static const bool taps_hold = (self_test(), true);  // once a process
  static_cast<void>(taps_hold);
  expect_parts(task);
  task.sites.clear();
  task.beneath.clear();
  std::vector<std::string> names;
  for (SiteInfo& site : dry_run(task)) {
    names.push_back(site.name);
    (lies_beneath(site.name) ? task.beneath : task.sites).push_back(std::move(site));
  }
  note_skipped(task);
  for (const auto& [site, stream] : task.aliases)
    if (std::find(names.begin(), names.end(), site) == names.end())
      throw UserError("train", "expected aliases of the model's sites, nearest " +
                                   detail::nearest_names(site, names, 3) + ", got '" + site + "'");
  const model::TrainedParameters parameters = model::trained_parameters(*task.model);
  task.plan =
      std::make_unique<Plan>(task.rules, PlanOptions{named_seed(task.seed, "perturbations"), task.steps, task.aliases},
                             names, parameters.names);
  require_whole_batches(task);
  rehearse(task, parameters);
  note_split(task);
}

void prepare(Task& task) {
  expect_parts(task);
  if (!task.data.test) task.data.test = task.data.train;
  task.model->to(task.device);
  task.model->train();
  at::manual_seed(named_seed(task.seed, "torch"));
  try {
    resolve(task);
  } catch (const UserError&) {
    throw;
  } catch (const std::invalid_argument& error) {
    throw UserError("train", error.what());
  }
}

}  // namespace gradquake::train
