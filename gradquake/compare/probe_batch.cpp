#include "gradquake/compare/probe_batch.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <optional>
#include <utility>

#include "gradquake/compare/mirror.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::compare {
void BatchSums::add(const std::vector<InjectionRecord>& entries) {
  for (const InjectionRecord& record : entries) {
    added += record.norm * record.norm;
    relative_added += record.relative_norm * record.relative_norm;
  }
}

double BatchSums::bias_squared(Chance chance) const {
  if (chance == Chance::kNone || middle.empty()) return middle_squares;
  double squared = 0;
  for (const double one : middle) squared += one * one;
  const auto count = static_cast<double>(members);
  return (squared - middle_squares) / (count * (count - 1));
}

ProbeBatch::ProbeBatch(const train::Task& task, data::Batch batch, std::uint64_t dropout_seed)
    : task_(task),
      batch_(std::move(batch)),
      dropout_seed_(dropout_seed),
      parameters_(model::trained_parameters(*task.model).tensors),
      errors_([this] {
        Pass clean = clean_pass();
        clean_loss_ = clean.loss;
        return GradientErrors(clean.gradient);
      }()) {}

at::Tensor ProbeBatch::loss() const { return task_.objective->loss(task_.forward(batch_), batch_); }

StepContext ProbeBatch::context(std::uint64_t repeat) const {
  return {.rows = batch_.rows(),
          .loss_divisor = static_cast<double>(batch_.rows()),
          .sample_ids = batch_.sample_ids,
          .repeat = repeat};
}

ProbeBatch::Pass ProbeBatch::differentiate() const {
  const at::Tensor value = loss();
  Parts gradient = torch::autograd::grad({value}, parameters_, {}, false, false, true);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    if (!gradient[i].defined()) gradient[i] = at::zeros_like(parameters_[i]);
  return {value.item<double>(), std::move(gradient)};
}

ProbeBatch::Pass ProbeBatch::clean_pass() const {
  const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
  return differentiate();
}

Parts ProbeBatch::draw(Plan& plan, std::uint64_t repeat, const std::set<std::string>* mirrored, BatchSums& sums) const {
  Pass perturbed;
  {
    const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
    std::optional<Mirror> mirror;
    std::optional<ObserverScope> outside, inside;
    if (mirrored != nullptr) outside.emplace(mirror.emplace(*mirrored).outside());
    const PlanScope scope(plan, context(repeat));
    if (mirror) inside.emplace(mirror->inside());
    perturbed = differentiate();
  }
  sums.loss += perturbed.loss - clean_loss_;
  sums.add(plan.ledger().take_entries());
  return perturbed.gradient;
}

// cos(u + e, u), from what the error e has along u.
void ProbeBatch::add(const ErrorSums& error, BatchSums& sums) const {
  const double own = clean_squared();
  ++sums.draws;
  sums.error += error.squared;
  sums.cosine += (own + error.along) / std::sqrt(own * (own + 2 * error.along + error.squared));
}

void ProbeBatch::add_member(Plan& plan, Chance chance, const std::set<std::string>& sites, std::uint64_t repeat,
                            BatchSums& sums) const {
  const Parts perturbed = draw(plan, repeat, nullptr, sums);
  if (chance == Chance::kSymmetric) {
    const GradientErrors::Pair pair = errors_.pair(perturbed, draw(plan, repeat, &sites, sums), sums.middle);
    add(pair.plus, sums);
    add(pair.minus, sums);
    sums.middle_squares += pair.middle_squared;
  } else {
    const ErrorSums error = errors_.draw(perturbed, sums.middle);
    add(error, sums);
    sums.middle_squares += error.squared;
  }
  ++sums.members;
}

ProbeBatch::Open::Open(const ProbeBatch& batch, const std::string& site)
    : guard_(*batch.task_.model, batch.dropout_seed_, curvature::Derivatives::kFirst),
      graph_(site, batch.parameters_, [&batch] { return batch.loss(); }) {}

void ProbeBatch::add_member(Plan& plan, Chance chance, const Open& open, std::uint64_t repeat, BatchSums& sums) const {
  const Parts parts = open.graph_.error(plan, context(repeat));
  const std::vector<InjectionRecord> entries = plan.ledger().take_entries();
  const bool symmetric = chance == Chance::kSymmetric;  // then the middle of the pair is 0
  GradientErrors::Sum nothing;
  const ErrorSums error = errors_.error(parts, symmetric ? nothing : sums.middle);
  add(error, sums);
  sums.add(entries);
  if (symmetric) {
    add({error.squared, -error.along}, sums);
    sums.add(entries);
  } else {
    sums.middle_squares += error.squared;
  }
  ++sums.members;
}

}  // namespace gradquake::compare
