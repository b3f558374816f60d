#include "gradquake/compare/probe_batch.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <optional>
#include <utility>

#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::compare {
void BatchSums::add(const std::vector<InjectionRecord>& entries) {
  for (const InjectionRecord& record : entries) {
    added += record.norm * record.norm;
    if (!(record.relative_norm > 0)) continue;
    signal += std::pow(record.norm / record.relative_norm, 2);
    ++signals;
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

ProbeBatch::Pass ProbeBatch::differentiate(const Open* open) const {
  at::Tensor value;
  {
    std::optional<PrefixReplay> replay;
    if (open != nullptr) replay.emplace(*open->prefix_);
    value = loss();
  }
  const bool keep_graph = open != nullptr;
  Parts gradient = torch::autograd::grad({value}, parameters_, {}, keep_graph, false, true);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    if (!gradient[i].defined()) gradient[i] = at::zeros_like(parameters_[i]);
  return {value.item<double>(), std::move(gradient)};
}

ProbeBatch::Pass ProbeBatch::clean_pass() const {
  const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
  return differentiate(nullptr);
}

Parts ProbeBatch::draw(Plan& plan, std::uint64_t repeat, Mirror* mirrored, const Open* open, BatchSums& sums) const {
  Pass perturbed;
  {
    const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
    std::optional<ObserverScope> outside, inside;
    if (mirrored != nullptr) outside.emplace(mirrored->outside());
    const PlanScope scope(plan, context(repeat));
    if (mirrored != nullptr) inside.emplace(mirrored->inside());
    perturbed = differentiate(open);
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

void ProbeBatch::add_member(Plan& plan, Chance chance, const std::set<std::string>& sites, Direction direction,
                            const Open* open, std::uint64_t repeat, BatchSums& sums) const {
  ++sums.members;
  if (open != nullptr && open->graph_) {
    add_error(plan, chance, *open, repeat, sums);
    return;
  }
  const Parts perturbed = draw(plan, repeat, nullptr, open, sums);
  if (chance == Chance::kSymmetric) {
    Mirror mirror(sites, direction);
    const GradientErrors::Pair pair = errors_.pair(perturbed, draw(plan, repeat, &mirror, open, sums), sums.middle);
    add(pair.plus, sums);
    add(pair.minus, sums);
    sums.middle_squares += pair.middle_squared;
  } else {
    const ErrorSums error = errors_.draw(perturbed, sums.middle);
    add(error, sums);
    sums.middle_squares += error.squared;
  }
}

ProbeBatch::Open::Open(const ProbeBatch& batch, const std::string& site, Direction direction)
    : guard_(*batch.task_.model, batch.dropout_seed_, curvature::Derivatives::kFirst) {
  if (direction == Direction::kBackward)
    graph_.emplace(site, batch.parameters_, [&batch] { return batch.loss(); });
  else
    prefix_.emplace(Site(site), [&batch] { batch.loss(); });
}

void ProbeBatch::add_error(Plan& plan, Chance chance, const Open& open, std::uint64_t repeat, BatchSums& sums) const {
  const Parts parts = open.graph_->error(plan, context(repeat));
  const std::vector<InjectionRecord> entries = plan.ledger().take_entries();
  const bool symmetric = chance == Chance::kSymmetric;  // then the middle of the pair is 0
  const ErrorSums error = errors_.error(parts, symmetric ? nullptr : &sums.middle);
  add(error, sums);
  sums.add(entries);
  if (symmetric) {
    add({error.squared, -error.along}, sums);
    sums.add(entries);
  } else {
    sums.middle_squares += error.squared;
  }
}

}  // namespace gradquake::compare
