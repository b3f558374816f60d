#include "gradquake/train/task.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/rehearsal.h"
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

data::Batch first_rows(const Task& task, std::int64_t rows) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
  std::iota(indices.begin(), indices.end(), 0);
  return task.data.train->get(indices).to(task.device);
}

void pass(const Task& task, const std::vector<at::Tensor>& parameters) {
  const data::Batch batch = first_rows(task, batch_rows(task));
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

}  // namespace

at::ScalarType dtype_of(const Task& task) { return model::trained_parameters(*task.model).tensors.at(0).scalar_type(); }

void dry_run(Task& task) {
  expect_parts(task);
  const std::vector<at::Tensor> parameters = model::trained_parameters(*task.model).tensors;
  if (parameters.empty()) {
    throw UserError("train", "expected a parameter that requires a gradient in " + task.name + ", got none");
  }
  const double rate = task.optimizer.learning_rate();
  if (dtype_of(task) != at::kDouble && rate > std::numeric_limits<float>::max()) {
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
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    const std::string reason = torch_error ? torch_error->what_without_backtrace() : error.what();
    throw UserError("train", task.name + " fails on one batch: " + reason.substr(0, reason.find('\n')));
  }
  task.sites = recorder.sites();
}

void rehearse(const Task& task) {
  if (task.plan->rules().empty()) return;
  const curvature::StateGuard guard(*task.model, std::nullopt, curvature::Derivatives::kFirst);
  const std::int64_t rows = batch_rows(task), part = std::min(rows, task.micro_batch.value_or(rows));
  const data::Batch batch = first_rows(task, part);
  const Rehearsal rehearsal(
      *task.plan, {.first_row = part < rows ? part : 0, .rows = part, .loss_divisor = static_cast<double>(rows)});
  const at::Tensor loss = task.objective->loss(task.forward(batch), batch);
  torch::autograd::grad({loss}, model::trained_parameters(*task.model).tensors, {}, std::nullopt, false, true);
}

void prepare(Task& task) {
  expect_parts(task);
  if (!task.data.test) task.data.test = task.data.train;
  task.model->to(task.device);
  task.model->train();
  at::manual_seed(named_seed(task.seed, "torch"));
  dry_run(task);
  std::vector<std::string> names;
  for (const SiteInfo& site : task.sites) names.push_back(site.name);
  try {
    task.plan =
        std::make_unique<Plan>(task.rules, PlanOptions{named_seed(task.seed, "perturbations"), task.steps}, names);
    rehearse(task);
  } catch (const UserError&) {
    throw;
  } catch (const std::invalid_argument& error) {
    throw UserError("train", error.what());
  }
}

}  // namespace gradquake::train
