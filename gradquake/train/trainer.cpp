#include "gradquake/train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/evaluate.h"
#include "gradquake/train/gradient_norms.h"
#include "gradquake/train/run_state.h"

namespace gradquake::train {
namespace {

bool due(std::int64_t interval, std::int64_t count) { return interval > 0 && count % interval == 0; }

bool all_finite(const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.isfinite().all().item<bool>()) return false;
  }
  return true;
}

}  // namespace

Trainer::Trainer(TrainerOptions options, model::Model& model, data::DataSplits data, Plan& plan,
                 std::vector<Callback*> callbacks)
    : options_(std::move(options)),
      model_(model),
      data_(std::move(data)),
      plan_(plan),
      callbacks_(std::move(callbacks)),
      parameters_(model::trained_parameters(model).tensors),
      groups_(group_by_layer(model::trained_parameters(model).names)),
      pass_(model, parameters_, plan, options_.pass),
      optimizer_(options_.optimizer, parameters_),
      sampler_(data_.train->size(), options_.batch_size, named_seed(options_.seed, "data.batches")),
      info_{options_.name, options_.steps, sampler_.steps_per_epoch(), groups_.names} {}

RunEnd Trainer::run() {
  RunEnd end;
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t first = step_;
  for (Callback* callback : callbacks_) callback->on_start(info_);
  if (evaluation_due_ && step_ < options_.steps && !stopped_) evaluate_now();

  while (step_ < options_.steps && !stopped_ && !end.interrupted) {
    data::Batch batch = data_.train->get(sampler_.indices(step_));
    batch.input = batch.input.to(options_.device);
    batch.target = batch.target.to(options_.device);
    const BufferSnapshot before(model_, options_.on_nonfinite == OnNonfinite::kSkip);

    const StepGradients gradients = pass_.compute(batch, step_, due(options_.shadow_interval, step_));
    const StepRecord record = record_of(gradients, step_);
    for (Callback* callback : callbacks_) {
      callback->before_update(record, {parameters_, gradients.perturbed, gradients.clean});
    }

    if (record.finite) {
      apply(gradients, record);
    } else {
      before.restore();
      stopped_ = options_.on_nonfinite == OnNonfinite::kStop;
    }
    ++step_;
    final_loss_ = record.loss;

    const bool last = step_ == options_.steps || stopped_;
    end.interrupted = !last && options_.stop_requested && options_.stop_requested();
    if (!last && due(options_.evaluate_interval, step_)) evaluate_now();
    evaluation_due_ = last && !stopped_ && due(options_.evaluate_interval, step_);
    if (last || end.interrupted || due(options_.checkpoint_interval, step_)) write_state();
  }

  end.steps = step_;
  end.final_loss = final_loss_;
  end.stopped_nonfinite = stopped_;
  if (!end.interrupted) evaluate_now();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  end.steps_per_second = seconds.count() > 0 ? static_cast<double>(step_ - first) / seconds.count() : 0;
  for (Callback* callback : callbacks_) callback->on_finish(end);
  return end;
}

StepRecord Trainer::record_of(const StepGradients& gradients, std::int64_t step) {
  StepRecord record;
  record.step = step;
  record.epoch = sampler_.epoch(step);
  record.learning_rate = options_.optimizer.schedule.at(options_.optimizer.learning_rate(), step, options_.steps);
  record.forward_fired = gradients.forward_fired;
  record.backward_fired = gradients.backward_fired;
  record.injections = plan_.ledger().take_entries();

  const GradientNorms norms = gradient_norms(gradients, parameters_, options_.regularizer, groups_);
  double penalty = 0;
  if (options_.regularizer.active()) {
    const at::NoGradGuard no_grad;
    penalty = regularizer_loss(options_.regularizer, parameters_).item<double>();
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
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    update.push_back(add_regularizer_gradient(options_.regularizer, gradients.perturbed[i], parameters_[i]));
  }
  if (options_.optimizer.clip_norm) update = clip(std::move(update), record.grad_norm, *options_.optimizer.clip_norm);
  update = add_gradient_noise(std::move(update), options_.optimizer.gradient_noise,
                              named_seed(options_.seed, "gradient_noise"), record.step);
  optimizer_.update(update, record.learning_rate);
}

void Trainer::evaluate_now() {
  const EvaluationRecord record = evaluate(model_, *data_.test, options_.pass.objective, step_, options_.device);
  for (Callback* callback : callbacks_) callback->on_evaluation(record);
}

void Trainer::write_state() {
  if (options_.checkpoint_folder.empty()) return;
  CheckpointSections sections = save_state(model_, optimizer_);
  sections["step"] = std::to_string(step_);
  sections["final_loss"] = fmt::format("{:a}", final_loss_);
  sections["stopped"] = stopped_ ? "yes" : "no";
  sections["evaluation_due"] = evaluation_due_ ? "yes" : "no";
  sections["config"] = options_.config_digest;
  sections["ledger"] = plan_.ledger().save();
  for (std::size_t i = 0; i < callbacks_.size(); ++i) sections["callback." + std::to_string(i)] = callbacks_[i]->save();
  write_checkpoint(checkpoint_path(options_.checkpoint_folder, step_), sections);
  prune_checkpoints(options_.checkpoint_folder, options_.checkpoint_keep);
}

void Trainer::restore(const CheckpointSections& sections) {
  if (sections.at("config") != options_.config_digest) {
    throw UserError("train", "expected a checkpoint of this run's config, got one of another config");
  }
  restore_state(sections, model_, optimizer_);
  step_ = std::stoll(sections.at("step"));
  final_loss_ = std::strtod(sections.at("final_loss").c_str(), nullptr);
  stopped_ = sections.at("stopped") == "yes";
  evaluation_due_ = sections.at("evaluation_due") == "yes";
  plan_.ledger().restore(sections.at("ledger"));
  for (std::size_t i = 0; i < callbacks_.size(); ++i) {
    callbacks_[i]->restore(sections.at("callback." + std::to_string(i)));
  }
}

}  // namespace gradquake::train
