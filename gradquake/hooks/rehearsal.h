// Tries a plan's rules out before a run, so that a mistake in a rule, or in a kind of one's own, comes out at the start
// and not in the middle. While a rehearsal lives, every rule is applied once at every tap of a site that it addresses:
// to the tapped tensor (forward) and, when backward is called, to its gradient, with the largest amplitude of the run.
// What it makes is thrown away: the model computes what it computes without a plan, and neither the plan nor its ledger
// changes. Nothing else is active (PlanPause).
//
//   gradquake::Rehearsal rehearsal(plan, {.rows = 64, .loss_divisor = 64});
//   loss(net.forward(x), y).backward();
//
// Throws RuleError, of one line that names the rule, its kind and the site: a kind that throws; what it returns is
// unlike the tensor; a tensor that takes no perturbation (integers); samples that cannot be told apart where the draw
// or a split batch needs them; a scale or mean that, times the amplitude, leaves the range of the tensor's dtype;
// samples that a memory needs named and are not.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/rule_error.h"

namespace gradquake {

class GRADQUAKE_EXPORT Rehearsal {
 public:
  // context: as of the PlanScopes to come; with first_row > 0 a split batch is rehearsed.
  Rehearsal(const Plan& plan, StepContext context);
  ~Rehearsal();
  // What the rules with a memory will hold of so many samples, at the sites that were rehearsed: more than their limit
  // is an error. `batch`: samples a step; a rule remembers no more than come at the steps at which it fires.
  void require_memory(std::int64_t samples, std::int64_t batch) const;
  // The rules that address weights, on them and, for their gradients, on tensors like them.
  void try_weights(const std::vector<std::string>& names, const std::vector<at::Tensor>& weights) const;

  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradquake
