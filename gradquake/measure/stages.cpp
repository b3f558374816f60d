#include "gradquake/measure/stages.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <limits>

#include "gradquake/core/error.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/model/trained_parameters.h"

namespace gradquake::measure {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr std::uint64_t kDropoutSeed = 1;

// Records every tapped tensor; hands on `given` in the place of site number `replaced`.
class Cut {
 public:
  Cut(std::size_t replaced, at::Tensor given)
      : scope_({.on_forward = [this, replaced, given = std::move(given)](const TapPoint& at, const at::Tensor& tensor) {
          if (lies_beneath(at.site.name())) return at::Tensor();
          names.push_back(at.site.name());
          tensors.push_back(names.size() - 1 == replaced ? given : tensor);
          return tensors.back();
        }}) {}

  std::vector<std::string> names;
  std::vector<at::Tensor> tensors;

 private:
  ObserverScope scope_;
};

UserError refusal(const std::string& text) { return UserError("theory", text); }

}  // namespace

Stages::Stages(const train::Task& task, data::Batch probe, Unchecked) : task_(task), probe_(std::move(probe)) {
  const curvature::StateGuard guard(*task_.model, kDropoutSeed);
  const at::NoGradGuard no_grad;
  Cut cut(kNone, {});
  task_.forward(probe_);
  sites_ = cut.names;
  inputs_.push_back(probe_.input().detach());
  for (const at::Tensor& tensor : cut.tensors) inputs_.push_back(tensor.detach());
}

Stages::Stages(const train::Task& task, data::Batch probe) : Stages(task, std::move(probe), Unchecked{}) {
  if (sites_.empty()) throw refusal("expected a model with at least one site, got one without taps");
  for (const std::string& site : sites_)
    if (std::count(sites_.begin(), sites_.end(), site) > 1)
      throw refusal("expected sites that are tapped once a pass, got " + site + " more than once");
  check_path();
  check_samples();
}

at::Tensor Stages::apply(std::size_t first, std::size_t last, const at::Tensor& y) const {
  const curvature::StateGuard guard(*task_.model, kDropoutSeed);
  const at::AutoGradMode with_graph(true);
  Cut cut(first == 0 ? kNone : first - 1, y);
  const at::Tensor output = task_.forward(first == 0 ? probe_.with("input", y) : probe_);
  return last <= sites_.size() ? cut.tensors.at(last - 1) : task_.objective->per_sample(output, probe_);
}

Stages Stages::at_rows(const std::vector<std::int64_t>& rows) const {
  return {task_, probe_.select(rows), Unchecked{}};
}

std::vector<at::Tensor> Stages::parameters(std::size_t i) const {
  const std::vector<at::Tensor> all = model::trained_parameters(*task_.model).tensors;
  std::vector<at::Tensor> used;
  const at::Tensor output = apply(i - 1, i, inputs_[i - 1]);
  if (!output.requires_grad()) return used;
  const auto gradients = torch::autograd::grad({output.sum()}, all, {}, std::nullopt, false, true);
  for (std::size_t p = 0; p < all.size(); ++p)
    if (gradients[p].defined()) used.push_back(all[p]);
  return used;
}

// With y_i held, y_{i+1} must not see what came before.
void Stages::check_path() const {
  for (std::size_t i = 1; i < sites_.size() + 1; ++i) {
    const curvature::StateGuard guard(*task_.model, kDropoutSeed);
    const at::AutoGradMode with_graph(true);
    const at::Tensor x = inputs_[0].clone().requires_grad_();
    Cut cut(i - 1, inputs_[i]);
    const at::Tensor output = task_.forward(probe_.with("input", x));
    const at::Tensor next = i < sites_.size() ? cut.tensors[i] : output;
    if (!next.requires_grad()) continue;
    if (torch::autograd::grad({next.sum()}, {x}, {}, std::nullopt, false, true)[0].defined()) {
      throw refusal("expected a model whose sites lie on one path, got one where what follows " + sites_[i - 1] +
                    " is also reached around it");
    }
  }
}

void Stages::check_samples() const {
  if (rows() < 2) return;
  const at::NoGradGuard no_grad;
  at::Tensor others = inputs_[0].roll(1, 0);
  others[0] = inputs_[0][0];
  for (std::size_t last = 1; last <= sites_.size(); ++last) {
    const at::Tensor alone = apply(0, last, others)[0], before = inputs_[last][0];
    if (!at::allclose(alone, before, 1e-6, 1e-9)) {
      throw refusal("expected a model that treats samples apart (no batch-norm in train mode), got one where " +
                    sites_[last - 1] + " of a sample depends on the others of its batch");
    }
  }
}

}  // namespace gradquake::measure
