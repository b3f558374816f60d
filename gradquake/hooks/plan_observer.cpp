#include "gradquake/hooks/plan_observer.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/WrapDimMinimal.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "gradquake/hooks/injection.h"
#include "gradquake/hooks/kinds/noise_perturbation.h"

namespace gradquake::detail {
namespace {

constexpr const char* kEps = "eps";

struct HeldInjection : torch::CustomClassHolder {
  explicit HeldInjection(Injection held) : injection(std::move(held)) {}
  Injection injection;
};

// y -> y + delta with an identity backward, or the slope that a rule asks for, to which eps is added where one is due.
// Beside a slope only ids and scalars are kept.
struct TapFunction : torch::autograd::Function<TapFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& tensor, const Injection& delta,
                            const std::shared_ptr<Injection>& eps) {
    context->set_materialize_grads(false);
    if (eps) context->saved_data[kEps] = c10::IValue::make_capsule(c10::make_intrusive<HeldInjection>(*eps));
    Injection::Outcome outcome = delta.add_to(tensor);
    if (outcome.slope.defined()) context->save_for_backward({outcome.slope});
    return outcome.value;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    at::Tensor& gradient = gradients[0];
    if (const auto saved = context->get_saved_variables(); !saved.empty() && gradient.defined())
      gradient = gradient.mul(saved[0]);
    if (const auto eps = context->saved_data.find(kEps); eps != context->saved_data.end()) {
      gradient = c10::static_intrusive_pointer_cast<HeldInjection>(eps->second.toCapsule())
                     ->injection.add_to_gradient(gradient);
    }
    return {gradient, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

PlanObserver::PlanObserver(std::shared_ptr<ScopeState> scope) : scope_(std::move(scope)) {}

PlanObserver::PlanObserver(std::shared_ptr<ScopeState> scope, OccurrenceCounter occurrences)
    : scope_(std::move(scope)), occurrences_(std::move(occurrences)), replays_(true) {}

OccurrenceMark PlanObserver::mark() const {
  OccurrenceMark mark;
  mark.scope_ = scope_;
  mark.occurrences_ = std::make_shared<OccurrenceCounter>(occurrences_);
  return mark;
}

PlanObserver::Position PlanObserver::exchange(Position position) {
  return {std::exchange(occurrences_, std::move(position.occurrences)), std::exchange(replays_, position.replays)};
}

const ResolvedSite& PlanObserver::resolved(const Site& site) {
  if (resolved_.size() <= site.id()) resolved_.resize(site.id() + 1);
  if (resolved_[site.id()] == nullptr) resolved_[site.id()] = &scope_->plan->resolve(site.name());
  return *resolved_[site.id()];
}

at::Tensor PlanObserver::on_tap(TapCall& call, at::Tensor tensor) {
  const ResolvedSite& here = resolved(call.site);
  const std::uint32_t occurrence = occurrences_.take(call.site);
  const std::vector<std::size_t> forward = scope_->due(here.forward);
  const std::vector<std::size_t> backward = scope_->due(here.backward);
  const bool differentiable = at::GradMode::is_enabled() && tensor.requires_grad();
  scope_->note_tap(here, occurrence, !backward.empty() && tensor.numel() > 0, differentiable);
  if (tensor.numel() == 0 || (forward.empty() && (backward.empty() || !differentiable))) return tensor;

  const std::int64_t dimension = c10::maybe_wrap_dim(call.batch_dim, tensor.dim());
  const std::vector<std::int64_t> order = element_order(tensor, dimension);
  const std::int64_t rows = samples_in(tensor, dimension, scope_->context);
  const Injection delta(scope_, here, occurrence, Direction::kForward, forward, order, rows, !replays_);
  if (!differentiable) return delta.add_to(tensor).value;
  const auto eps = backward.empty() ? nullptr
                                    : std::make_shared<Injection>(scope_, here, occurrence, Direction::kBackward,
                                                                  backward, order, rows, true);
  if (forward.empty())
    return call.hook(std::move(tensor), [eps](const at::Tensor& gradient) { return eps->add_to_gradient(gradient); });
  return TapFunction::apply(tensor, delta, eps);
}

}  // namespace gradquake::detail
