// The clean pass of a batch with its graph kept, cut open at one site: what an error that comes in there on the way
// back does to the gradient.
//
// With v the gradient at the site and y the tensor, an error eps added to v changes the gradient by B eps, whatever the
// rest of the network does: the errors of operators above the site, and of the loss, are none. B eps is one backward
// pass from y down, no second clean one is subtracted, and the error of -eps is its negative.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/sites/site.h"

namespace gradquake::compare {

class SiteGraph {
 public:
  // `loss`: runs the clean pass. The parameters are those it is differentiated by.
  SiteGraph(const std::string& site, const std::vector<at::Tensor>& parameters,
            const std::function<at::Tensor()>& loss);

  // One occurrence, through which a gradient flows: else errors of occurrences meet, and a whole pass has to tell.
  bool is_cut() const { return occurrences_ == 1 && v_.defined(); }

  // The gradient's error under the plan's backward rules at the site, one tensor a parameter, undefined where it does
  // not reach; the ledger has its entry.
  std::vector<at::Tensor> error(Plan& plan, const StepContext& context) const;

 private:
  std::vector<at::Tensor> parameters_;
  Site site_;
  std::int64_t batch_dim_ = 0, occurrences_ = 0;
  at::Tensor y_, v_;
};

}  // namespace gradquake::compare
