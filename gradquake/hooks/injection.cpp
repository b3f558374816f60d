#include "gradquake/hooks/injection.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::detail {
namespace {

constexpr double kUnmeasured = -1;

void require_perturbable(const at::Tensor& tensor, const std::string& site) {
  const at::ScalarType type = tensor.scalar_type();
  const bool known_type = type == at::kFloat || type == at::kDouble || type == at::kHalf || type == at::kBFloat16;
  if (!known_type || tensor.layout() != at::kStrided || tensor.is_nested() || tensor.is_meta() ||
      !tensor.has_storage()) {
    refuse_at(site, "expected a dense tensor of float32, float64, float16 or bfloat16 that holds data, got " +
                        c10::str(tensor.toString(), " of shape ", tensor.sizes()));
  }
}

}  // namespace

std::int64_t samples_in(const at::Tensor& tensor, std::int64_t batch_dim, const StepContext& context) {
  const std::int64_t size = tensor.dim() == 0 ? 0 : tensor.size(batch_dim);
  const std::int64_t rows = context.rows > 0 ? context.rows : size;
  return rows > 0 && size > 0 && size % rows == 0 ? rows : 0;
}

Injection::Injection(std::shared_ptr<ScopeState> scope, const ResolvedSite& site, std::uint32_t occurrence,
                     Direction direction, std::vector<std::size_t> rules, std::vector<std::int64_t> element_order,
                     std::int64_t rows, bool ledgered)
    : scope_(std::move(scope)),
      site_(&site),
      occurrence_(occurrence),
      direction_(direction),
      rules_(std::move(rules)),
      element_order_(std::move(element_order)),
      rows_(rows),
      ledgered_(ledgered) {}

Injection::Outcome Injection::add_to(const at::Tensor& tensor) const {
  require_perturbable(tensor, site_->name);
  if (rows_ == 0 && scope_->context.first_row != 0) {
    refuse_at(site_->name, "expected a batch dimension that holds a multiple of the micro-batch's " +
                               std::to_string(scope_->context.rows) + " samples, for this batch is split (first_row " +
                               std::to_string(scope_->context.first_row) + "); got " +
                               c10::str("shape ", tensor.sizes()) + ": name its batch_dim in tap()");
  }
  const at::NoGradGuard no_grad;
  double reference_squared = kUnmeasured;  // of the tensor before any rule
  const auto relative = [this](std::size_t rule) { return scope_->plan->perturbations[rule]->needs_reference_rms(); };
  if (std::any_of(rules_.begin(), rules_.end(), relative)) reference_squared = squared_norm(tensor);
  Outcome all{tensor, {}};
  for (const std::size_t rule : rules_) {
    Outcome next = add(rule, all.value, reference_squared, ledgered_);
    if (next.slope.defined()) all.slope = all.slope.defined() ? all.slope.mul(next.slope) : next.slope;
    all.value = std::move(next.value);
  }
  return all;
}

MemoryVisit Injection::memory_of(std::size_t rule, const at::Tensor& tensor) const {
  Memory& memory = scope_->plan->memory;
  const std::optional<MemoryPer> per = memory.per(rule);
  const StepContext& step = scope_->context;
  if (!per || !step.remembers) return {};
  const MemoryAddress address{rule, site_->name, direction_, occurrence_};
  if (per == MemoryPer::kTensor) {
    if (step.first_row != 0)
      refuse_key("memory", "per_sample where a batch is split (first_row " + std::to_string(step.first_row) + ")",
                 "per_tensor");
    return {memory, address, step.step, nullptr, 0, scope_->ended};
  }
  if (rows_ == 0) {
    refuse_key("memory", "a batch dimension that holds every sample for memory: per_sample",
               c10::str("shape ", tensor.sizes()));
  }
  if (static_cast<std::int64_t>(step.sample_ids.size()) != rows_) {
    refuse_key("memory",
               "a scope that names its " + std::to_string(rows_) + " samples (sample_ids) for memory: per_sample",
               std::to_string(step.sample_ids.size()) + " sample_ids");
  }
  return {memory, address, step.step, &step.sample_ids, element_order_[0], scope_->ended};
}

Injection::Outcome Injection::add(std::size_t rule, const at::Tensor& tensor, double& reference_squared,
                                  bool ledgered) const {
  const Rule& spec = scope_->plan->rules[rule];
  const StepContext& step = scope_->context;
  const bool backward = direction_ == Direction::kBackward;
  const auto elements = static_cast<double>(tensor.numel());

  PerturbationContext context;
  const std::uint64_t key =
      stream_key(scope_->plan->options.seed, step.repeat, site_->stream_name, direction_, spec.label);
  context.stream = make_stream(key, step.step, occurrence_);
  context.direction = direction_;
  context.step = step.step;
  context.amplitude = scope_->amplitudes[rule];
  context.loss_divisor = backward ? step.loss_divisor.value_or(1) : 1;
  context.reference_rms =
      scope_->plan->perturbations[rule]->needs_reference_rms() ? std::sqrt(reference_squared / elements) : 0;
  context.first_row = step.first_row;
  context.rows = rows_;
  context.element_order = element_order_;
  context.sample_ids = &step.sample_ids;
  context.site = &site_->name;
  const Gradient gradient = backward ? Gradient::kIdentity : spec.gradient;
  context.wants_slope = gradient == Gradient::kExact;
  context.memory = memory_of(rule, tensor);

  Perturbed result = scope_->plan->perturbations[rule]->apply(tensor, context);
  if (!result.value.defined() || result.value.sizes() != tensor.sizes() ||
      result.value.scalar_type() != tensor.scalar_type() || result.value.device() != tensor.device()) {
    refuse_at(site_->name,
              "expected kind '" + spec.perturbation.kind + "' to return " +
                  c10::str(tensor.toString(), " of shape ", tensor.sizes(), ", got ", result.value.toString(),
                           " of shape ", result.value.defined() ? result.value.sizes() : at::IntArrayRef()));
  }
  if (result.value.is_alias_of(tensor))
    result.value = result.value.clone();  // an in-place operator after the tap must not reach the producer's tensor
  if (gradient == Gradient::kZeroWhereChanged)
    result.slope = at::eq(result.value, tensor).to(tensor.scalar_type());
  else if (gradient == Gradient::kIdentity)
    result.slope = at::Tensor();
  if (!ledgered) return {result.value, result.slope};
  if (!result.norms) {
    const at::ScalarType wide = tensor.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    result.norms = AddedNorms{squared_norm(result.value.to(wide).sub(tensor.to(wide))), squared_norm(tensor),
                              !at::equal(result.value, tensor)};
  }
  if (reference_squared == kUnmeasured) reference_squared = result.norms->input_squared;
  const double added = std::sqrt(result.norms->added_squared);
  scope_->plan->ledger.state().record(
      {step.step, spec.label, site_->name, backward ? "backward" : "forward", occurrence_, tensor.numel(),
       added * context.loss_divisor, added / std::sqrt(reference_squared)},
      !result.norms->changed && context.memory.is_complete());
  return {result.value, result.slope};
}

at::Tensor Injection::add_to_gradient(const at::Tensor& gradient) const {
  if (!gradient.defined() || scope_->pauses > 0) return gradient;
  if (scope_->ended) {
    if (pause_depth > 0) return gradient;
    refuse_at(site_->name,
              "expected backward to be called inside the PlanScope of its forward pass, got one after the "
              "scope of step " +
                  std::to_string(scope_->context.step) + " had ended (PlanPause makes it exact)");
  }
  if (at::GradMode::is_enabled()) {
    refuse_at(site_->name,
              "expected backward without create_graph while a backward perturbation is due, got one with it "
              "(PlanPause makes it exact)");
  }
  scope_->note_eps(*site_, occurrence_);
  return add_to(gradient).value;
}

}  // namespace gradquake::detail
