#include "gradquake/hooks/plan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/memory_state.h"
#include "gradquake/hooks/nearest.h"
#include "gradquake/hooks/plan_state.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/refuse.h"
#include "gradquake/hooks/sites/beneath.h"

namespace gradquake {
namespace {

void fill_labels(std::vector<Rule>& rules) {
  std::set<std::string> labels;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules[i].label = label_of(rules[i], i);
    if (!labels.insert(rules[i].label).second) {
      throw RuleError(i, "label",
                      "[hooks] expected every rule to have a label of its own, got '" + rules[i].label +
                          "' twice (an unlabelled rule's label is its position)");
    }
  }
}

void require_sites(const Rule& rule, const Glob& glob, const std::vector<std::string>& sites) {
  const auto matches = [&glob](const std::string& site) { return glob.matches(site); };
  if (sites.empty() || std::any_of(sites.begin(), sites.end(), matches)) return;
  detail::refuse("the sites of rule '" + rule.label + "' to match one of the model's " + std::to_string(sites.size()) +
                     (rule.target == Target::kActivation ? "" : " parameters") + ", nearest " +
                     detail::nearest_names(rule.sites, sites, 3),
                 "'" + rule.sites + "'");
}

// A tensor that an operator keeps has one reader, the backward pass, and no gradient.
void require_forward_at_saved(const Rule& rule, const Glob& glob, const std::vector<std::string>& sites) {
  if (!acts(rule, Direction::kBackward) && rule.gradient == Gradient::kIdentity) return;
  const auto saved = std::find_if(sites.begin(), sites.end(),
                                  [&](const std::string& site) { return is_saved_name(site) && glob.matches(site); });
  if (saved == sites.end()) return;
  const std::string gradient = rule.gradient == Gradient::kIdentity ? "" : std::string(" and gradient identity");
  detail::refuse(
      "direction forward" + gradient + " where rule '" + rule.label +
          "' addresses a tensor kept for the backward pass ('" + *saved + "'), which has no gradient of its own",
      std::string(to_text(rule.direction)) + (gradient.empty() ? "" : std::string(" and ") + to_text(rule.gradient)));
}

void require_direction(const Rule& rule) {
  const Direction own = rule.target == Target::kWeight ? Direction::kForward : Direction::kBackward;
  if (rule.target == Target::kActivation || rule.direction == own) return;
  detail::refuse(std::string("direction ") + to_text(own) + " with target " + to_text(rule.target),
                 to_text(rule.direction));
}

void require_gradient(const Rule& rule, const Perturbation& perturbation) {
  if (rule.gradient == Gradient::kIdentity) return;
  if (rule.target != Target::kActivation)
    detail::refuse_key("gradient", std::string("gradient identity with target ") + to_text(rule.target),
                       to_text(rule.gradient));
  if (!acts(rule, Direction::kForward))
    detail::refuse_key("gradient", "direction forward or both with gradient " + std::string(to_text(rule.gradient)),
                       "direction backward");
  if (rule.gradient == Gradient::kExact && !perturbation.has_slope()) {
    detail::refuse_key("gradient",
                       "identity or zero_where_changed, for kind '" + rule.perturbation.kind +
                           "' as it is here has no derivative to be exact with",
                       "exact");
  }
}

// Where the value differs from the tensor for what it was earlier, no gradient is to be masked by it.
void require_memory(const Rule& rule, const Perturbation& perturbation) {
  const std::optional<MemoryNeed> need = perturbation.memory();
  if (!need) return;
  if (rule.gradient == Gradient::kZeroWhereChanged) {
    detail::refuse_key("gradient",
                       "identity or exact, for kind '" + rule.perturbation.kind + "' changes nearly all values",
                       to_text(rule.gradient));
  }
  if (rule.target != Target::kActivation && need->per == MemoryPer::kSample) {
    detail::refuse_key("memory",
                       std::string("per_tensor with target ") + to_text(rule.target) + ", which has no samples",
                       to_text(*need->per));
  }
}

Memory::State::Asked asked_by(const Rule& rule, const Perturbation& perturbation) {
  const std::optional<MemoryNeed> need = perturbation.memory();
  const MemoryPer usual = rule.target == Target::kActivation ? MemoryPer::kSample : MemoryPer::kTensor;
  return {rule.label, need, need ? need->per.value_or(usual) : usual};
}

// What a schedule does within a run.
struct Reach {
  bool fires = false;   // it can: coins count as thrown well
  double largest = 0;   // |amplitude| over those steps
  bool varies = false;  // some amplitude there is not 1
};

Reach reach_of(const Schedule& schedule, std::int64_t run_steps) {
  Reach reach;
  for (std::int64_t step = 0; step < run_steps; ++step) {
    if (!schedule.can_fire(step)) continue;
    const double amplitude = std::abs(schedule.amplitude(step));
    if (!std::isfinite(amplitude)) {
      detail::refuse("an amplitude that is finite wherever the rule fires",
                     std::to_string(amplitude) + " at step " + std::to_string(step));
    }
    reach = {true, std::max(reach.largest, amplitude), reach.varies || schedule.amplitude(step) != 1};
  }
  return reach;
}

void require_amplitude(const Rule& rule, const Perturbation& perturbation, const Reach& reach) {
  if (!reach.varies || perturbation.has_amplitude()) return;
  detail::refuse_key(
      "schedule", "an amplitude of 1 for kind '" + rule.perturbation.kind + "', which has no size to scale", "another");
}

// Throws where the rule can change nothing.
void require_effect(const Perturbation& perturbation, const Reach& reach, std::int64_t run_steps) {
  const std::string run = "within the run's " + std::to_string(run_steps) + " steps, or may_be_idle: true";
  if (run_steps > 0 && !reach.fires)
    detail::refuse_key("schedule", "a schedule that fires " + run, "one that never does");
  if (run_steps > 0 && reach.largest == 0)
    detail::refuse_key("schedule", "an amplitude other than 0 " + run, "0 throughout");
  const std::optional<ElementMoments> moments = perturbation.moments();
  if (moments && moments->second == 0)
    detail::refuse_key("scale", "a scale or a mean other than 0, or may_be_idle: true", "0 for what the rule adds");
}

}  // namespace

const ResolvedSite& Plan::State::resolve(const std::string& name) {
  const std::scoped_lock lock(mutex);
  if (const auto known = by_name.find(name); known != by_name.end()) return *known->second;
  const auto alias = options.aliases.find(name);
  ResolvedSite site{name, alias == options.aliases.end() ? name : alias->second, sites.size(), {}, {}, {}};
  for (std::size_t r = 0; r < rules.size(); ++r) {
    const Rule& rule = rules[r];
    if (rule.target != Target::kActivation || !globs[r].matches(name)) continue;
    if (acts(rule, Direction::kForward)) site.forward.push_back(r);
    if (acts(rule, Direction::kBackward)) site.backward.push_back(r);
    const std::size_t coverage = ledger.state().cover(rule.label, name, to_text(rule.direction));
    site.rules.push_back({r, coverage});
    if (unmatched_coverage[r] != kListed && unmatched_coverage[r] != coverage) {
      const std::scoped_lock ledger_lock(ledger.state().mutex);
      ledger.state().coverage[unmatched_coverage[r]].ran_when_due = true;  // its sites speak for the glob from now on
    }
  }
  sites.push_back(std::move(site));
  by_name.emplace(sites.back().name, &sites.back());
  return sites.back();
}

const ResolvedSite& Plan::State::resolve_weight(const std::string& name) {
  const std::scoped_lock lock(mutex);
  if (const auto known = weights_by_name.find(name); known != weights_by_name.end()) return *known->second;
  ResolvedSite weight{name, name, weights.size(), {}, {}, {}};
  for (std::size_t r = 0; r < rules.size(); ++r) {
    if (rules[r].target == Target::kActivation || !globs[r].matches(name)) continue;
    (rules[r].target == Target::kWeight ? weight.forward : weight.backward).push_back(r);
  }
  weights.push_back(std::move(weight));
  weights_by_name.emplace(weights.back().name, &weights.back());
  return weights.back();
}

Plan::Plan(std::vector<Rule> rules, PlanOptions options, std::vector<std::string> sites,
           std::vector<std::string> weights)
    : state_(std::make_shared<State>()) {
  fill_labels(rules);
  for (std::size_t r = 0; r < rules.size(); ++r) {
    Rule& rule = rules[r];
    // No site has an empty name, so the coins have a stream of their own.
    const std::uint64_t coin_key = stream_key(options.seed, 0, "", Direction::kForward, rule.label);
    Reach reach{true, 1, false};
    const auto about = [&](const char* key, const auto& check) {
      try {
        check();
      } catch (const std::exception& error) {
        const std::string own = key == nullptr ? detail::key_of(error, "kind") : key;
        throw RuleError(r, own, "[hooks] " + detail::one_line(error));
      }
    };
    about("schedule", [&] {
      rule.schedule = schedules().complete(rule.schedule);
      state_->schedules.push_back(make_schedule(rule.schedule, {options.run_steps, coin_key}));
      if (options.run_steps > 0) reach = reach_of(*state_->schedules.back(), options.run_steps);
    });
    about(nullptr, [&] {
      rule.perturbation = perturbations().complete(rule.perturbation);
      state_->perturbations.push_back(make_perturbation(rule.perturbation));
    });
    about("sites", [&] {
      state_->globs.emplace_back(rule.sites);  // a malformed glob throws here, not at the first tap
      require_sites(rule, state_->globs.back(), rule.target == Target::kActivation ? sites : weights);
    });
    about(nullptr, [&] {
      require_memory(rule, *state_->perturbations.back());
      require_gradient(rule, *state_->perturbations.back());
      require_amplitude(rule, *state_->perturbations.back(), reach);
    });
    about("direction", [&] {
      if (rule.target == Target::kActivation) require_forward_at_saved(rule, state_->globs.back(), sites);
      require_direction(rule);
    });
    state_->memory.state().rules.push_back(asked_by(rule, *state_->perturbations.back()));
    const bool at_sites = rule.target == Target::kActivation;
    state_->wants_beneath |= at_sites && asks_for_inputs_or_saved(rule.sites);
    state_->idle.push_back(false);
    try {
      about(nullptr, [&] { require_effect(*state_->perturbations.back(), reach, options.run_steps); });
    } catch (const RuleError&) {
      if (!rule.may_be_idle) throw;
      state_->idle.back() = true;
    }
    state_->largest_amplitudes.push_back(reach.largest);
    state_->unmatched_coverage.push_back(
        sites.empty() && at_sites ? state_->ledger.state().cover(rule.label, rule.sites, to_text(rule.direction))
                                  : State::kListed);
  }
  state_->rules = std::move(rules);
  state_->options = std::move(options);
  for (const std::string& site : sites) state_->resolve(site);
  for (const std::string& weight : weights) state_->resolve_weight(weight);
}

void detail::require_in_range(const Plan::State& plan, std::size_t rule, double amplitude, at::ScalarType dtype) {
  const std::optional<ElementMoments> moments = plan.perturbations[rule]->moments();
  if (!moments) return;
  const double size = amplitude * std::sqrt(moments->second);
  const KindSpec spec = perturbations().complete(plan.rules[rule].perturbation);
  const bool of_mean =
      spec.has("mean") && spec.has("scale") && std::abs(spec.number("mean")) > std::abs(spec.number("scale"));
  if (!std::isfinite(moments->second) && dtype == at::kDouble) return;  // only its square is beyond float64
  if (size > largest_number(dtype)) refuse_number(of_mean ? "mean" : "scale", size, dtype);
}

Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

bool Plan::is_idle(std::size_t rule) const { return state_->idle.at(rule); }

bool Plan::fires(std::int64_t step) const { return fires(step, Direction::kBoth); }

bool Plan::fires(std::int64_t step, Direction direction) const {
  for (std::size_t r = 0; r < state_->rules.size(); ++r)
    if (acts(state_->rules[r], direction) && state_->schedules[r]->fires(step)) return true;
  return false;
}

std::vector<std::int64_t> Plan::first_firings(std::size_t rule, std::size_t count) const {
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; step < state_->options.run_steps && steps.size() < count; ++step)
    if (state_->schedules.at(rule)->fires(step)) steps.push_back(step);
  return steps;
}

std::vector<std::string> Plan::sites_of(std::size_t rule) const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<std::string> names;
  const bool at_sites = state_->rules.at(rule).target == Target::kActivation;
  for (const ResolvedSite& site : at_sites ? state_->sites : state_->weights)
    if (state_->globs.at(rule).matches(site.name)) names.push_back(site.name);
  return names;
}

const std::vector<Rule>& Plan::rules() const { return state_->rules; }
const PlanOptions& Plan::options() const { return state_->options; }
Ledger& Plan::ledger() { return state_->ledger; }
const Ledger& Plan::ledger() const { return state_->ledger; }
Memory& Plan::memory() { return state_->memory; }
const Memory& Plan::memory() const { return state_->memory; }

}  // namespace gradquake
