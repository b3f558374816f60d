// What stands at the taps of a thread: a stack of layers, one a scope. tap() hands a tensor through them, outermost
// first. Internal to hooks/.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "gradquake/hooks/sites/site.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::detail {

// Next occurrence of each site, by its id.
class OccurrenceCounter {
 public:
  std::uint32_t peek(const Site& site) const { return site.id() < next_.size() ? next_[site.id()] : 0; }
  std::uint32_t take(const Site& site) {
    if (next_.size() <= site.id()) next_.resize(site.id() + 1);
    return next_[site.id()]++;
  }

 private:
  std::vector<std::uint32_t> next_;
};

// One tensor on its way through the layers.
class TapCall {
 public:
  using GradientHook = std::function<at::Tensor(const at::Tensor&)>;

  TapCall(const Site& tapped, std::int64_t batch, bool beneath = false)
      : site(tapped), batch_dim(batch), lies_beneath(beneath) {}

  // Hooks the gradient of `tensor`; returns the tensor to go on with. Hooks of one tensor run in reverse order, so that
  // gradients meet the innermost layer first.
  at::Tensor hook(at::Tensor tensor, GradientHook hook);
  void register_hooks();

  const Site& site;
  const std::int64_t batch_dim;
  const bool lies_beneath;                  // of an operator: its gradient is that of one consumer
  std::optional<std::uint32_t> occurrence;  // as the innermost plan counts it; empty without a plan

 private:
  std::vector<std::pair<at::Tensor, GradientHook>> hooks_;
};

class TapLayer {
 public:
  virtual ~TapLayer();
  virtual at::Tensor on_tap(TapCall& call, at::Tensor tensor) = 0;
  // Of several plans on the stack only the innermost counts.
  virtual bool is_plan() const { return false; }
  virtual std::uint32_t next_occurrence(const Site&) const { return 0; }  // asked of plans only
  // Whether it looks at the sites beneath operators (sites/beneath.h); else they pass it by.
  virtual bool wants_beneath() const { return false; }

  TapLayer* outer = nullptr;
};

// The innermost plan of this thread; null: none.
TapLayer* innermost_plan();

// Pushes a layer for as long as it lives.
class LayerPush {
 public:
  explicit LayerPush(TapLayer* layer) : before_(innermost_layer) {
    layer->outer = before_;
    innermost_layer = layer;
  }
  ~LayerPush() { innermost_layer = before_; }
  LayerPush(const LayerPush&) = delete;
  LayerPush& operator=(const LayerPush&) = delete;

 private:
  TapLayer* before_;
};

// No layer at the taps of this thread.
class TapsOff {
 public:
  TapsOff() : before_(innermost_layer) { innermost_layer = nullptr; }
  ~TapsOff() { innermost_layer = before_; }
  TapsOff(const TapsOff&) = delete;
  TapsOff& operator=(const TapsOff&) = delete;

 private:
  TapLayer* before_;
};

}  // namespace gradquake::detail
