#include "gradquake/train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/memory.h"
#include "gradquake/model/module_state.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/evaluate.h"
#include "gradquake/train/gradient_norms.h"
#include "gradquake/train/run_state.h"

namespace gradquake::train {
namespace {

bool due(std::int64_t interval, std::int64_t count) { return interval > 0 && count % interval == 0; }

bool all_finite(const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors)
    if (!tensor.isfinite().all().item<bool>()) return false;
  return true;
}

}  // namespace

Trainer::Trainer(TrainerOptions options, Task& task, std::vector<Callback*> callbacks)
    : options_(std::move(options)),
      task_(task),
      callbacks_(std::move(callbacks)),
      parameters_(model::trained_parameters(*task.model).tensors),
      groups_(group_by_layer(model::trained_parameters(*task.model).names)),
      pass_(task, parameters_),
      optimizer_(task.optimizer, parameters_),
      sampler_(task.data.train->size(), task.batch_size, named_seed(task.seed, "data.batches")),
      info_{options_.name, task.steps, sampler_.steps_per_epoch(), groups_.names} {}

RunEnd Trainer::run() {
  RunEnd end;
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t first = step_;
  for (Callback* callback : callbacks_) callback->on_start(info_);
  if (evaluation_due_ && step_ < task_.steps && !stopped_) evaluate_now();

  while (step_ < task_.steps && !stopped_ && !end.interrupted) {
    const data::Batch batch = task_.data.train->get(sampler_.indices(step_)).to(task_.device);
    const model::BufferSnapshot before(*task_.model);

    const StepGradients gradients = gradients_at(batch, step_);
    const StepRecord record = record_of(gradients, step_);
    for (Callback* callback : callbacks_)
      callback->before_update(record, {parameters_, gradients.perturbed, gradients.clean});

    if (record.finite) {
      apply(gradients, record);
    } else {
      before.restore();
      task_.plan->memory().take_back(step_);
      stopped_ = options_.on_nonfinite == OnNonfinite::kStop;
      if (!stopped_) ++skipped_;
    }
    ++step_;
    final_loss_ = record.loss;

    const bool last = step_ == task_.steps || stopped_;
    end.interrupted = !last && options_.stop_requested && options_.stop_requested();
    if (!last && due(options_.evaluate_interval, step_)) evaluate_now();
    evaluation_due_ = last && !stopped_ && due(options_.evaluate_interval, step_);
    if (last || end.interrupted || due(options_.checkpoint_interval, step_)) write_state();
  }

  end.steps = step_;
  end.final_loss = final_loss_;
  end.stopped_nonfinite = stopped_;
  end.skipped_steps = skipped_;
  if (!end.interrupted) evaluate_now();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  end.steps_per_second = seconds.count() > 0 ? static_cast<double>(step_ - first) / seconds.count() : 0;
  for (Callback* callback : callbacks_) callback->on_finish(end);
  return end;
}

StepGradients Trainer::gradients_at(const data::Batch& batch, std::int64_t step) {
  try {
    return pass_.compute(batch, step, due(options_.shadow_interval, step));
  } catch (const UserError&) {
    throw;
  } catch (const std::invalid_argument& error) {  // of a rule that cannot be carried out at this step
    throw UserError("train", fmt::format("step {}: {}", step, error.what()));
  }
}

StepRecord Trainer::record_of(const StepGradients& gradients, std::int64_t step) {
  StepRecord record;
  record.step = step;
  record.epoch = sampler_.epoch(step);
  record.learning_rate = task_.optimizer.schedule.at(task_.optimizer.learning_rate(), step, task_.steps);
  record.forward_fired = gradients.forward_fired;
  record.backward_fired = gradients.backward_fired;
  record.injections = task_.plan->ledger().take_entries();

  const GradientNorms norms = gradient_norms(gradients, parameters_, task_.regularizer, groups_);
  double penalty = 0;
  if (task_.regularizer.active()) {
    const at::NoGradGuard no_grad;
    penalty = regularizer_loss(task_.regularizer, parameters_).item<double>();
  }
  record.loss = gradients.loss + penalty;
  record.grad_norm = norms.grad;
  record.layers = norms.layers;
  if (gradients.shadow) {
    record.clean_loss = gradients.clean_loss.value() + penalty;
    record.clean_grad_norm = norms.clean;
    record.grad_error = norms.error;
  }
  record.finite = std::isfinite(record.loss) && std::isfinite(record.grad_norm);
  if (!record.finite) {
    record.nonfinite_at = norms.first_nonfinite.empty() ? "loss" : norms.first_nonfinite;
    record.weights_finite = all_finite(parameters_);
  }
  return record;
}

void Trainer::apply(const StepGradients& gradients, const StepRecord& record) {
  std::vector<at::Tensor> update;
  update.reserve(parameters_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    update.push_back(add_regularizer_gradient(task_.regularizer, gradients.perturbed[i], parameters_[i]));
  if (task_.optimizer.clip_norm) update = clip(std::move(update), record.grad_norm, *task_.optimizer.clip_norm);
  update = add_gradient_noise(std::move(update), task_.optimizer.gradient_noise,
                              named_seed(task_.seed, "gradient_noise"), record.step);
  optimizer_.update(update, record.learning_rate);
}

void Trainer::evaluate_now() {
  const EvaluationRecord record = evaluate(task_, *task_.data.test, step_);
  for (Callback* callback : callbacks_) callback->on_evaluation(record);
}

void Trainer::write_state() {
  if (options_.checkpoint_folder.empty()) return;
  CheckpointSections sections = save_state(*task_.model, optimizer_);
  sections["step"] = std::to_string(step_);
  sections["final_loss"] = fmt::format("{:a}", final_loss_);
  sections["skipped"] = std::to_string(skipped_);
  sections["stopped"] = stopped_ ? "yes" : "no";
  sections["evaluation_due"] = evaluation_due_ ? "yes" : "no";
  sections["config"] = options_.config_digest;
  sections["ledger"] = task_.plan->ledger().save();
  if (task_.plan->memory().needed()) sections["memory"] = task_.plan->memory().save();
  for (std::size_t i = 0; i < callbacks_.size(); ++i) sections["callback." + std::to_string(i)] = callbacks_[i]->save();
  write_checkpoint(checkpoint_path(options_.checkpoint_folder, step_), sections);
  prune_checkpoints(options_.checkpoint_folder, options_.checkpoint_keep);
}

void Trainer::restore_memory(const CheckpointSections& sections) {
  Memory& memory = task_.plan->memory();
  const auto saved = sections.find("memory");
  if (const bool there = saved != sections.end(); there != memory.needed()) {
    throw UserError("train", fmt::format("expected a checkpoint {} a memory of the rules, got one {} it",
                                         there ? "without" : "with", there ? "with" : "without"));
  }
  try {
    if (memory.needed()) memory.restore(saved->second);
  } catch (const std::invalid_argument& error) {
    throw UserError("train", error.what());
  }
}

void Trainer::restore(const CheckpointSections& sections) {
  if (sections.at("config") != options_.config_digest)
    throw UserError("train", "expected a checkpoint of this run's config, got one of another config");
  restore_memory(sections);
  restore_state(sections, *task_.model, optimizer_);
  step_ = std::stoll(sections.at("step"));
  final_loss_ = std::strtod(sections.at("final_loss").c_str(), nullptr);
  if (const auto skipped = sections.find("skipped"); skipped != sections.end()) skipped_ = std::stoll(skipped->second);
  stopped_ = sections.at("stopped") == "yes";
  evaluation_due_ = sections.at("evaluation_due") == "yes";
  task_.plan->ledger().restore(sections.at("ledger"));
  for (std::size_t i = 0; i < callbacks_.size(); ++i)
    callbacks_[i]->restore(sections.at("callback." + std::to_string(i)));
}

}  // namespace gradquake::train
