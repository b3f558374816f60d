#include "gradquake/hooks/tap.h"

#include <ATen/ops/alias.h>

#include <utility>

#include "gradquake/hooks/tap_layer.h"

namespace gradquake::detail {
namespace {

at::Tensor hand_through(TapLayer* layer, bool plan_found, TapCall& call, at::Tensor tensor) {
  if (layer == nullptr) return tensor;
  const bool hidden = (layer->is_plan() && plan_found) || (call.lies_beneath && !layer->wants_beneath());
  tensor = hand_through(layer->outer, plan_found || layer->is_plan(), call, std::move(tensor));
  return hidden ? tensor : layer->on_tap(call, std::move(tensor));
}

}  // namespace

constinit thread_local TapLayer* innermost_layer = nullptr;

TapLayer::~TapLayer() = default;

TapLayer* innermost_plan() {
  TapLayer* layer = innermost_layer;
  while (layer != nullptr && !layer->is_plan()) layer = layer->outer;
  return layer;
}

at::Tensor TapCall::hook(at::Tensor tensor, GradientHook hook) {
  // A hook on a leaf would outlive this pass, and one on a tensor itself sees the gradients of all of its consumers.
  if (tensor.is_leaf() || lies_beneath) tensor = at::alias(tensor);
  hooks_.emplace_back(tensor, std::move(hook));
  return tensor;
}

void TapCall::register_hooks() {
  for (auto hook = hooks_.rbegin(); hook != hooks_.rend(); ++hook) hook->first.register_hook(std::move(hook->second));
}

namespace {

at::Tensor hand_through(TapCall call, at::Tensor tensor) {
  if (const TapLayer* const plan = innermost_plan()) call.occurrence = plan->next_occurrence(call.site);
  tensor = hand_through(innermost_layer, false, call, std::move(tensor));
  call.register_hooks();
  return tensor;
}

}  // namespace

at::Tensor tap_active(const Site& site, at::Tensor tensor, std::int64_t batch_dim) {
  return hand_through(TapCall(site, batch_dim), std::move(tensor));
}

at::Tensor tap_beneath(const Site& site, at::Tensor tensor, std::int64_t batch_dim) {
  return hand_through(TapCall(site, batch_dim, true), std::move(tensor));
}

at::Tensor tap_active(std::string_view name, at::Tensor tensor, std::int64_t batch_dim) {
  return tap_active(Site(name), std::move(tensor), batch_dim);
}

}  // namespace gradquake::detail
