#include "gradquake/compare/site_graph.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::compare {

SiteGraph::SiteGraph(const std::string& site, const std::vector<at::Tensor>& parameters,
                     const std::function<at::Tensor()>& loss)
    : parameters_(parameters), site_(site) {
  const auto at_site = [&](const TapPoint& at) { return at.site.name() == site; };
  const ObserverScope scope({.on_forward =
                                 [&](const TapPoint& at, const at::Tensor& y) {
                                   if (!at_site(at)) return at::Tensor();
                                   ++occurrences_;
                                   batch_dim_ = at.batch_dim;
                                   y_ = y;
                                   return at::Tensor();
                                 },
                             .on_backward =
                                 [&](const TapPoint& at, const at::Tensor& v) {
                                   if (at_site(at)) v_ = v;
                                   return at::Tensor();
                                 },
                             .beneath = lies_beneath(site)});
  torch::autograd::grad({loss()}, parameters_, {}, /*retain_graph=*/true, /*create_graph=*/false,
                        /*allow_unused=*/true);
  if (y_.defined() && !y_.requires_grad()) v_ = at::Tensor();
}

std::vector<at::Tensor> SiteGraph::error(Plan& plan, const StepContext& context) const {
  const at::Tensor opening = y_.detach().requires_grad_();
  at::Tensor perturbed;
  {
    const PlanScope scope(plan, context);
    perturbed = torch::autograd::grad({tap(site_, opening, batch_dim_)}, {opening}, {v_})[0];
  }
  return torch::autograd::grad({y_}, parameters_, {perturbed.sub(v_)}, /*retain_graph=*/true, /*create_graph=*/false,
                               /*allow_unused=*/true);
}

}  // namespace gradquake::compare
