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
#include "gradquake/train/norms.h"

namespace gradquake::compare {
namespace {

double dot(const Gradient& a, const Gradient& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i].to(at::kDouble) * b[i].to(at::kDouble)).sum().item<double>();
  return sum;
}

double squared(const Gradient& gradient) {
  double sum = 0;
  for (const at::Tensor& one : gradient) sum += train::squared_norm(one);
  return sum;
}

}  // namespace

double BatchSums::bias_squared(Chance chance) const {
  if (chance == Chance::kNone) return middle_squares;
  const auto count = static_cast<double>(members);
  return (squared(middle) - middle_squares) / (count * (count - 1));
}

ProbeBatch::ProbeBatch(const train::Task& task, data::Batch batch, std::uint64_t dropout_seed)
    : task_(task),
      batch_(std::move(batch)),
      dropout_seed_(dropout_seed),
      parameters_(model::trained_parameters(*task.model).tensors) {
  clean_ = clean_pass();
  clean_squared_ = squared(clean_.gradient);
}

ProbeBatch::Pass ProbeBatch::clean_pass() const {
  const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
  return differentiate();
}

ProbeBatch::Pass ProbeBatch::pass(Plan& plan, std::uint64_t repeat, const std::set<std::string>* mirrored) const {
  const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
  std::optional<Mirror> mirror;
  std::optional<ObserverScope> outside, inside;
  if (mirrored != nullptr) outside.emplace(mirror.emplace(*mirrored).outside());
  const PlanScope scope(plan, {.rows = batch_.rows(),
                               .loss_divisor = static_cast<double>(batch_.rows()),
                               .sample_ids = batch_.sample_ids,
                               .repeat = repeat});
  if (mirror) inside.emplace(mirror->inside());
  return differentiate();
}

ProbeBatch::Pass ProbeBatch::differentiate() const {
  const at::Tensor loss = task_.objective->loss(task_.forward(batch_), batch_);
  Gradient gradient = torch::autograd::grad({loss}, parameters_, {}, false, false, true);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    if (!gradient[i].defined()) gradient[i] = at::zeros_like(parameters_[i]);
  return {loss.item<double>(), std::move(gradient)};
}

// One draw: its error u~ - u.
Gradient ProbeBatch::add_draw(Plan& plan, std::uint64_t repeat, const std::set<std::string>* mirrored,
                              BatchSums& sums) const {
  const Pass perturbed = pass(plan, repeat, mirrored);
  const Gradient& u = clean_.gradient;
  Gradient error;
  for (std::size_t i = 0; i < u.size(); ++i) error.push_back(perturbed.gradient[i] - u[i]);
  ++sums.draws;
  sums.error += squared(error);
  sums.cosine += dot(perturbed.gradient, u) / std::sqrt(squared(perturbed.gradient) * clean_squared_);
  sums.loss += perturbed.loss - clean_.loss;
  for (const InjectionRecord& record : plan.ledger().take_entries()) {
    sums.added += record.norm * record.norm;
    sums.relative_added += record.relative_norm * record.relative_norm;
  }
  return error;
}

void ProbeBatch::add_member(Plan& plan, Chance chance, const std::set<std::string>& sites, std::uint64_t repeat,
                            BatchSums& sums) const {
  Gradient middle = add_draw(plan, repeat, nullptr, sums);
  if (chance == Chance::kSymmetric) {
    const Gradient other = add_draw(plan, repeat, &sites, sums);
    for (std::size_t i = 0; i < middle.size(); ++i) middle[i] = (middle[i] + other[i]) / 2;
  }
  sums.middle_squares += squared(middle);
  if (sums.middle.empty())
    sums.middle = std::move(middle);
  else
    for (std::size_t i = 0; i < middle.size(); ++i) sums.middle[i] = sums.middle[i] + middle[i];
  ++sums.members;
}

}  // namespace gradquake::compare
