#include "gradquake/hooks/scope_state.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "gradquake/hooks/refuse.h"

namespace gradquake::detail {
namespace {

void check(const StepContext& context) {
  require_rows(context.step, context.first_row, context.rows);
  if (const double divisor = context.loss_divisor.value_or(1); !(std::isfinite(divisor) && divisor > 0))
    refuse("a positive, finite loss_divisor", std::to_string(divisor));
}

}  // namespace

constinit thread_local int pause_depth = 0;

ScopeState::ScopeState(std::shared_ptr<Plan::State> plan_state, StepContext step_context)
    : plan(std::move(plan_state)), context(std::move(step_context)) {
  check(context);
  for (std::size_t r = 0; r < plan->rules.size(); ++r) {
    rule_due.push_back(plan->schedules[r]->fires(context.step));
    amplitudes.push_back(rule_due[r] ? plan->schedules[r]->amplitude(context.step) : 0.0);
    if (rule_due[r] && plan->rules[r].direction != Direction::kForward && !context.loss_divisor) {
      refuse("a loss_divisor (B where backward is called on a mean over B samples, 1 on a sum) while backward rule '" +
                 plan->rules[r].label + "' is due",
             "none");
    }
    if (!std::isfinite(amplitudes[r])) {
      refuse("a finite amplitude of rule '" + plan->rules[r].label + "'",
             std::to_string(amplitudes[r]) + " at step " + std::to_string(context.step));
    }
  }
}

std::vector<std::size_t> ScopeState::due(const std::vector<std::size_t>& rules) const {
  std::vector<std::size_t> now;
  for (const std::size_t rule : rules)
    if (rule_due[rule]) now.push_back(rule);
  return now;
}

void ScopeState::note_tap(const ResolvedSite& site, std::uint32_t occurrence, bool eps_due, bool requires_grad) {
  const std::scoped_lock lock(mutex_);
  if (ran_.size() <= site.slot) ran_.resize(site.slot + 1);
  ran_[site.slot] = true;
  if (eps_due) expected_[{site.slot, occurrence}].requires_grad |= requires_grad;
}

void ScopeState::note_eps(const ResolvedSite& site, std::uint32_t occurrence) {
  const std::scoped_lock lock(mutex_);
  ++expected_[{site.slot, occurrence}].fired;
}

void ScopeState::end(bool judged) {
  ended = true;
  if (judged) {
    const std::scoped_lock lock(mutex_);
    judge_firings();
    judge_coverage();
  }
}

void ScopeState::judge_firings() {
  for (const auto& [where, expectation] : expected_) {
    if (expectation.fired == 1) continue;
    std::unique_lock lock(plan->mutex);
    const ResolvedSite& site = plan->sites[where.first];  // stays good: the list only grows
    lock.unlock();
    const std::string reason = expectation.fired > 1       ? "backward was called more than once"
                               : expectation.requires_grad ? "the scope ended without a backward call through it"
                                                           : "its tensor did not require grad";
    for (const std::size_t rule : due(site.backward)) {
      const std::string& label = plan->rules[rule].label;
      plan->ledger.state().warn("fired_not_once", site.name, label, "backward", context.step,
                                "rule '" + label + "' perturbed the gradient of site '" + site.name + "' (occurrence " +
                                    std::to_string(where.second) + ") " + std::to_string(expectation.fired) +
                                    " times at step " + std::to_string(context.step) + ": " + reason);
    }
  }
}

void ScopeState::judge_coverage() {
  const std::scoped_lock lock(plan->mutex, plan->ledger.state().mutex);
  auto& all = plan->ledger.state().coverage;
  ++plan->ledger.state().scopes;
  const auto judge = [&](Ledger::State::Coverage& coverage, std::size_t rule, bool ran) {
    coverage.ran_at_all |= ran;
    coverage.ran_when_due |= ran && rule_due[rule];
    if (rule_due[rule] && !ran && coverage.missed++ == 0) coverage.first_missed = context.step;
  };
  std::vector<bool> matched(rule_due.size());
  for (const ResolvedSite& site : plan->sites) {
    const bool ran = site.slot < ran_.size() && ran_[site.slot];
    for (const ResolvedSite::Addressed& addressed : site.rules) {
      matched[addressed.rule] = true;
      if (!all[addressed.coverage].ran_when_due) judge(all[addressed.coverage], addressed.rule, ran);
    }
  }
  for (std::size_t r = 0; r < rule_due.size(); ++r)
    if (!matched[r] && plan->rules[r].target == Target::kActivation) judge(all[plan->unmatched_coverage[r]], r, false);
}

}  // namespace gradquake::detail
