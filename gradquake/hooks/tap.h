// tap(): the call that makes a tensor a site.
//
//   x = gradquake::tap("fc1", torch::relu(fc1(x)));
//
// Without an active scope (PlanScope, ObserverScope, SiteRecorder) it is one branch and returns the tensor it was
// given. Under a PlanScope whose rules fire, with y the tapped tensor:
//
//   forward    whoever consumes what tap returns sees y + delta; y itself stays as its operator saved it. Out of place,
//              strides kept; backward sees the identity (delta is constant, (5) of arXiv 2602.20646).
//   backward   eps is added once to the gradient of y, summed over its consumers, before y's producer sees it. All
//              consumers must use what tap returned.
//
// `batch_dim` is the dimension that runs over the batch; it holds size / StepContext::rows rows a sample. Several rules
// at one site are added in rule order; R (relative_to rms) and the ledger's relative_norm refer to the tensor before
// any. A tensor that does not require grad gets the forward perturbation only. Gaussian, uniform, rademacher and
// constant take float32 and float64 in one fused pass; float16, bfloat16 and other devices take a slower generic path
// with the same draws; any other tensor under a rule that fires throws std::invalid_argument.
//
// Taps are part of the model: call them on the thread that holds the scope. A thread without a scope is untouched.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/sites/site.h"

namespace gradquake {

namespace detail {
class TapLayer;
// The innermost scope of this thread; null: every tap is idle. Defined in tap.cpp and exported, so that a program, its
// plug-ins and the library share it; never inline, for every shared library would get a copy of its own.
GRADQUAKE_EXPORT extern constinit thread_local TapLayer* innermost_layer;

GRADQUAKE_EXPORT at::Tensor tap_active(std::string_view name, at::Tensor tensor, std::int64_t batch_dim);
GRADQUAKE_EXPORT at::Tensor tap_active(const Site& site, at::Tensor tensor, std::int64_t batch_dim);
// Of a site that lies beneath an operator: for one of the tensor's consumers alone.
GRADQUAKE_EXPORT at::Tensor tap_beneath(const Site& site, at::Tensor tensor, std::int64_t batch_dim);
}  // namespace detail

inline at::Tensor tap(std::string_view name, at::Tensor tensor, std::int64_t batch_dim = 0) {
  if (detail::innermost_layer == nullptr) [[likely]]
    return tensor;
  return detail::tap_active(name, std::move(tensor), batch_dim);
}

// The pre-resolved form: no look-up of the name while a scope is active.
inline at::Tensor tap(const Site& site, at::Tensor tensor, std::int64_t batch_dim = 0) {
  if (detail::innermost_layer == nullptr) [[likely]]
    return tensor;
  return detail::tap_active(site, std::move(tensor), batch_dim);
}

}  // namespace gradquake
