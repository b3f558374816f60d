#include "gradquake/hooks/plan.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "gradquake/hooks/nearest.h"
#include "gradquake/hooks/plan_state.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/sites/glob.h"

namespace gradquake {
namespace {

void fill_labels(std::vector<Rule>& rules) {
  std::set<std::string> labels;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules[i].label = label_of(rules[i], i);
    if (!labels.insert(rules[i].label).second) {
      throw std::invalid_argument("[hooks] expected every rule to have a label of its own, got '" + rules[i].label +
                                  "' twice (an unlabelled rule's label is its position)");
    }
  }
}

void require_match(const Rule& rule, const std::vector<std::string>& sites) {
  const auto matches = [&rule](const std::string& site) { return glob_matches(rule.sites, site); };
  if (std::none_of(sites.begin(), sites.end(), matches)) {
    throw std::invalid_argument("[hooks] expected the sites of rule '" + rule.label + "' to match one of the model's " +
                                std::to_string(sites.size()) + ", nearest " +
                                detail::nearest_names(rule.sites, sites, 3) + "; got '" + rule.sites + "'");
  }
}

}  // namespace

const ResolvedSite& Plan::State::resolve(const std::string& name) {
  const std::scoped_lock lock(mutex);
  if (const auto known = by_name.find(name); known != by_name.end()) {
    return *known->second;
  }
  ResolvedSite site{name, sites.size(), {}, {}, {}};
  for (std::size_t r = 0; r < rules.size(); ++r) {
    const Rule& rule = rules[r];
    if (!glob_matches(rule.sites, name)) {
      continue;
    }
    if (acts(rule, Direction::kForward)) {
      site.forward.push_back(r);
    }
    if (acts(rule, Direction::kBackward)) {
      site.backward.push_back(r);
    }
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

Plan::Plan(std::vector<Rule> rules, PlanOptions options, std::vector<std::string> sites)
    : state_(std::make_shared<State>()) {
  fill_labels(rules);
  for (Rule& rule : rules) {
    rule.perturbation = perturbations().complete(rule.perturbation);
    rule.schedule = schedules().complete(rule.schedule);
    // No site has an empty name, so the coins have a stream of their own.
    const std::uint64_t coin_key = stream_key(options.seed, 0, "", Direction::kForward, rule.label);
    state_->schedules.push_back(make_schedule(rule.schedule, {options.run_steps, coin_key}));
    state_->perturbations.push_back(make_perturbation(rule.perturbation));
    glob_matches(rule.sites, "");  // a malformed glob throws here, not at the first tap
    if (!sites.empty()) {
      require_match(rule, sites);
      state_->unmatched_coverage.push_back(State::kListed);
    } else {
      state_->unmatched_coverage.push_back(
          state_->ledger.state().cover(rule.label, rule.sites, to_text(rule.direction)));
    }
  }
  state_->rules = std::move(rules);
  state_->options = options;
  for (const std::string& site : sites) {
    state_->resolve(site);
  }
}

Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

bool Plan::fires(std::int64_t step) const { return fires(step, Direction::kBoth); }

bool Plan::fires(std::int64_t step, Direction direction) const {
  for (std::size_t r = 0; r < state_->rules.size(); ++r) {
    if (acts(state_->rules[r], direction) && state_->schedules[r]->fires(step)) {
      return true;
    }
  }
  return false;
}

std::vector<std::int64_t> Plan::first_firings(std::size_t rule, std::size_t count) const {
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; step < state_->options.run_steps && steps.size() < count; ++step) {
    if (state_->schedules.at(rule)->fires(step)) {
      steps.push_back(step);
    }
  }
  return steps;
}

std::vector<std::string> Plan::sites_of(std::size_t rule) const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<std::string> names;
  for (const ResolvedSite& site : state_->sites) {
    if (glob_matches(state_->rules.at(rule).sites, site.name)) {
      names.push_back(site.name);
    }
  }
  return names;
}

const std::vector<Rule>& Plan::rules() const { return state_->rules; }
const PlanOptions& Plan::options() const { return state_->options; }
Ledger& Plan::ledger() { return state_->ledger; }
const Ledger& Plan::ledger() const { return state_->ledger; }

}  // namespace gradquake
