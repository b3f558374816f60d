// A plan: rules resolved against a model's sites. It holds the streams' seed, the rules' schedules and the ledger, and
// does nothing by itself: a PlanScope (plan_scope.h) makes it active for one step on one thread. Several threads may
// use one plan, each in scopes of its own.
//
//   gradquake::Plan plan({{.label = "early", .sites = "layers.[01]", .perturbation = {.scale = 0.1}}},
//                        {.seed = 1, .run_steps = 2000}, recorder.names());
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/hooks/rule_error.h"

namespace gradquake {

class Ledger;
class Memory;

struct PlanOptions {
  std::uint64_t seed = 0;      // of every draw and coin
  std::int64_t run_steps = 0;  // T: length of the run, for budgets and the horizon amplitude; 0: unknown
  // Of a site, the name that its draws are addressed by, in place of its own: one network, written down in two ways
  // with two sets of names, then meets the same draws.
  std::map<std::string, std::string> aliases = {};
};

class GRADQUAKE_EXPORT Plan {
 public:
  // `sites`: the model's sites; empty: resolved when first tapped. A site tapped later that is not listed is resolved
  // then. Throws RuleError: a malformed glob or (with sites) one that matches none, naming the nearest; two rules with
  // one label (an unlabelled rule's is its position); an unknown kind, naming the nearest; a value out of range; where
  // run_steps is known, an amplitude that is not finite at a step where the rule fires. A rule that can change nothing
  // within the run (its schedule reaches no step of it, its amplitude is 0 there, or what it adds is 0 throughout) is
  // refused too, unless it says may_be_idle.
  // `weights`: the names of its parameters, which rules of another target address; empty: not known.
  Plan(std::vector<Rule> rules, PlanOptions options, std::vector<std::string> sites = {},
       std::vector<std::string> weights = {});
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  bool fires(std::int64_t step) const;                       // any rule, any direction
  bool fires(std::int64_t step, Direction direction) const;  // any rule with kForward / kBackward; kBoth: either
  // The first `count` steps below run_steps at which the rule fires.
  std::vector<std::int64_t> first_firings(std::size_t rule, std::size_t count) const;
  bool is_idle(std::size_t rule) const;                       // it can change nothing within the run, and may
  std::vector<std::string> sites_of(std::size_t rule) const;  // in the order of `sites`, then of first tap; or weights
  const std::vector<Rule>& rules() const;                     // labels filled in
  const PlanOptions& options() const;

  Ledger& ledger();
  const Ledger& ledger() const;
  Memory& memory();  // of the rules whose kinds have one
  const Memory& memory() const;

  struct State;  // shared with the scopes and graphs made under the plan; internal
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace gradquake
