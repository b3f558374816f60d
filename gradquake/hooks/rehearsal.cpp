#include "gradquake/hooks/rehearsal.h"

#include <c10/core/WrapDimMinimal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "gradquake/hooks/injection.h"
#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/refuse.h"
#include "gradquake/hooks/scope_state.h"

namespace gradquake {
namespace {

// The same rules with a ledger and perturbations of their own.
Plan copy_of(const Plan& plan) { return {plan.rules(), plan.options()}; }

}  // namespace

struct Rehearsal::State {
  State(const Plan& plan, StepContext context)
      : tried(copy_of(plan)),
        scope(all_due(std::move(context))),
        observer({.on_forward = [this](const TapPoint& at,
                                       const at::Tensor& tensor) { return try_rules(at, tensor, Direction::kForward); },
                  .on_backward =
                      [this](const TapPoint& at, const at::Tensor& gradient) {
                        return try_rules(at, gradient, Direction::kBackward);
                      }}) {}

  std::shared_ptr<detail::ScopeState> all_due(StepContext context) const {
    auto all = std::make_shared<detail::ScopeState>(tried.state(), std::move(context));
    all->rule_due.assign(all->rule_due.size(), true);
    all->amplitudes = tried.state()->largest_amplitudes;
    return all;
  }

  at::Tensor try_rules(const TapPoint& at, const at::Tensor& tensor, Direction direction) const {
    const ResolvedSite& here = tried.state()->resolve(at.site.name());
    const std::int64_t dimension = c10::maybe_wrap_dim(at.batch_dim, tensor.dim());
    try_rules(scope, here, tensor, direction, dimension, detail::samples_in(tensor, dimension, scope->context),
              static_cast<std::uint32_t>(at.occurrence), "site '");
    return {};
  }

  void try_rules(const std::shared_ptr<detail::ScopeState>& due, const ResolvedSite& here, const at::Tensor& tensor,
                 Direction direction, std::int64_t dimension, std::int64_t rows, std::uint32_t occurrence,
                 const char* what) const {
    const bool forward = direction == Direction::kForward;
    if (tensor.numel() == 0) return;
    for (const std::size_t rule : forward ? here.forward : here.backward) {
      try {
        detail::require_in_range(*tried.state(), rule, due->amplitudes[rule], tensor.scalar_type());
        detail::Injection(due, here, occurrence, direction, {rule}, detail::element_order(tensor, dimension), rows,
                          false)
            .add_to(tensor);
      } catch (const std::exception& error) {
        const Rule& spec = tried.rules()[rule];
        throw RuleError(rule, detail::key_of(error, "kind"),
                        "[hooks] rule '" + spec.label + "' of kind '" + spec.perturbation.kind + "' at " + what +
                            here.name + "', " + (forward ? "forward: " : "backward: ") + detail::one_line(error));
      }
    }
  }

  Plan tried;
  std::shared_ptr<detail::ScopeState> scope;
  PlanPause nothing_else;
  ObserverScope observer;
};

Rehearsal::Rehearsal(const Plan& plan, StepContext context)
    : state_(std::make_unique<State>(plan, std::move(context))) {}
Rehearsal::~Rehearsal() = default;

void Rehearsal::try_weights(const std::vector<std::string>& names, const std::vector<at::Tensor>& weights) const {
  const auto whole = state_->all_due({.loss_divisor = 1});  // weights have no rows
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ResolvedSite& weight = state_->tried.state()->resolve_weight(names[i]);
    for (const Direction direction : {Direction::kForward, Direction::kBackward})
      state_->try_rules(whole, weight, weights[i].detach(), direction, 0, 0, 0, "weight '");
  }
}

void Rehearsal::require_memory(std::int64_t samples, std::int64_t batch) const {
  const Plan& plan = state_->tried;
  for (std::size_t rule = 0; rule < plan.rules().size(); ++rule) {
    const auto most = static_cast<std::size_t>((samples + batch - 1) / batch);
    const auto firings = static_cast<std::int64_t>(plan.first_firings(rule, most).size());
    const bool known = plan.options().run_steps > 0;
    try {
      plan.memory().require_foreseen(rule, known ? std::min(samples, firings * batch) : samples);
    } catch (const std::exception& error) {
      throw RuleError(rule, detail::key_of(error, "kind"), error.what());
    }
  }
}

}  // namespace gradquake
