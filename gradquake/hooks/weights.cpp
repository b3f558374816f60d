#include "gradquake/hooks/weights.h"

#include <ATen/core/grad_mode.h>

#include <utility>

#include "gradquake/hooks/injection.h"
#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/scope_state.h"

namespace gradquake {

struct WeightScope::State {
  at::Tensor changed(const ResolvedSite& weight, Direction direction, const at::Tensor& tensor) const {
    const std::vector<std::size_t> rules =
        scope->due(direction == Direction::kForward ? weight.forward : weight.backward);
    if (rules.empty() || tensor.numel() == 0) return tensor;
    return detail::Injection(scope, weight, 0, direction, rules, detail::element_order(tensor, 0), 0, true)
        .add_to(tensor)
        .value;
  }

  void put_back() {
    const at::NoGradGuard no_grad;
    for (auto& [weight, before] : clean) weight.copy_(before);
    clean.clear();
  }

  std::shared_ptr<detail::ScopeState> scope;
  std::vector<const ResolvedSite*> names;
  std::vector<std::pair<at::Tensor, at::Tensor>> clean;  // a weight that is perturbed, and what it was
};

WeightScope::WeightScope(Plan& plan, std::int64_t step, const std::vector<std::string>& names,
                         std::vector<at::Tensor> weights)
    : state_(std::make_unique<State>()) {
  state_->scope = std::make_shared<detail::ScopeState>(plan.state(), StepContext{.step = step, .loss_divisor = 1});
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ResolvedSite& weight = plan.state()->resolve_weight(names[i]);
    state_->names.push_back(&weight);
    const at::Tensor perturbed = state_->changed(weight, Direction::kForward, weights[i]);
    if (perturbed.is_same(weights[i])) continue;
    state_->clean.emplace_back(weights[i], weights[i].clone());
    weights[i].copy_(perturbed);
  }
}

WeightScope::~WeightScope() {
  state_->put_back();
  state_->scope->end(false);
}

std::vector<at::Tensor> WeightScope::perturbed(std::vector<at::Tensor> gradients) {
  state_->put_back();
  for (std::size_t i = 0; i < gradients.size(); ++i)
    gradients[i] = state_->changed(*state_->names[i], Direction::kBackward, gradients[i]);
  return gradients;
}

}  // namespace gradquake
