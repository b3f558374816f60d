// Rules whose target is a weight or a weight's gradient, for the passes of one step:
//
//   gradquake::WeightScope weights(plan, step, names, tensors);   // the weights are perturbed from here
//   { gradquake::PlanScope scope(plan, ...);  ...  }              // forward and backward, any number of micro-batches
//   gradients = weights.perturbed(std::move(gradients));          // they are put back; rules of gradients act
//
// One draw a step, whatever the micro-batches: addressed as at a site, by the parameter's name, elements in memory
// order. Samples there are none, so that kinds and draws that need them are refused. What is added to a gradient is
// stated as the gradient is: of the mean loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/plan.h"

namespace gradquake {

class GRADQUAKE_EXPORT WeightScope {
 public:
  // Perturbs in place the tensors that rules due at the step address; `names`: of each. Between here and the put-back
  // nobody else may write into them.
  WeightScope(Plan& plan, std::int64_t step, const std::vector<std::string>& names, std::vector<at::Tensor> weights);
  ~WeightScope();  // puts back, bit for bit, what is not yet
  WeightScope(const WeightScope&) = delete;
  WeightScope& operator=(const WeightScope&) = delete;

  // Puts the weights back. The gradients, one a weight, with the rules on them carried out, out of place.
  std::vector<at::Tensor> perturbed(std::vector<at::Tensor> gradients);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradquake
