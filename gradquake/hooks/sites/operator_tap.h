// Sites around one operator y = f(x): beside its output, what it reads, and what it keeps for the backward pass.
//
//   x = gradquake::tap_operator(Site("fc1"), *this, x, [&](const at::Tensor& x) { return torch::relu(fc1(x)); });
//
//   fc1          y, as tap() has it
//   fc1:input    x as this operator alone reads it. Forward: f sees x + delta, the other readers of x see x. Backward:
//                eps is added to J^T v, the part of x's gradient that comes from here, before it is summed with that of
//                the other readers. Where x has one reader this is the site of x's producer. (docs/theory.md 6)
//   fc1:saved.0  the first tensor that LibTorch keeps of f for the backward pass (then saved.1, ...), as activation
//                compression changes it: forward nothing changes, backward K and J are those of saved + delta. Forward
//                is its only direction: what is kept has one reader, the backward pass, and no gradient. Parameters and
//                buffers, masks and integers are kept as they are, and not counted.
//
// They are sites only to those who ask: a plan with a rule whose glob has `:input` or `:saved` in it, an observer with
// `beneath`, a SiteRecorder. Else tap_operator costs what tap does.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/StorageImpl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/sites/site.h"
#include "gradquake/hooks/tap.h"

namespace torch::nn {
class Module;
}

namespace gradquake {

// Whether any scope of this thread asks for them.
GRADQUAKE_EXPORT bool beneath_is_wanted();

// x as one of its readers sees it. `site`: named by input_name(). Hand what it returns to that reader alone. Tensors
// that are not dense and floating are no sites.
GRADQUAKE_EXPORT at::Tensor tap_input(const Site& site, at::Tensor tensor, std::int64_t batch_dim = 0);

namespace detail {
struct KeptTensor;
}

// Memory that is kept as it is: of parameters and buffers. To be made once a pass.
class GRADQUAKE_EXPORT ConstantMemory {
 public:
  explicit ConstantMemory(const std::vector<at::Tensor>& tensors);
  explicit ConstantMemory(const torch::nn::Module& owner);  // its parameters and buffers
  bool holds(const at::Tensor& tensor) const;               // one with a storage

 private:
  std::unordered_set<const c10::StorageImpl*> storages_;
};

// Gathers the dense floating tensors that LibTorch keeps for the backward pass while it lives, on this thread, if
// beneath_is_wanted(). Nested, the innermost gathers. Nothing in a process where Python has loaded torch: there the
// keeping belongs to Python, and no such site is met.
class GRADQUAKE_EXPORT SavedTensors {
 public:
  explicit SavedTensors(const ConstantMemory& constants);  // which outlives it
  ~SavedTensors();
  SavedTensors(const SavedTensors&) = delete;
  SavedTensors& operator=(const SavedTensors&) = delete;

  // Taps what was gathered since the last call as saved_name(owner, first), ..., in the order of keeping; returns the
  // number behind the last. What is never tapped is kept as it is.
  std::size_t tap(std::string_view owner, std::size_t first = 0);

 private:
  friend struct detail::KeptTensor;

  const ConstantMemory& constants_;
  bool wanted_;
  SavedTensors* outer_ = nullptr;
  std::vector<std::shared_ptr<detail::KeptTensor>> kept_;
};

namespace detail {
GRADQUAKE_EXPORT Site input_site(const Site& owner);
}

// f(input), with the sites beneath it alone. `owner`: the module whose parameters and buffers f uses.
template <typename Function>
at::Tensor tap_around(const Site& site, const torch::nn::Module& owner, const at::Tensor& input, Function f) {
  if (detail::innermost_layer == nullptr || !beneath_is_wanted()) return f(input);
  const ConstantMemory constants(owner);
  SavedTensors saved(constants);
  at::Tensor output = f(tap_input(detail::input_site(site), input));
  saved.tap(site.name());
  return output;
}

// The same, and its output is a site.
template <typename Function>
at::Tensor tap_operator(const Site& site, const torch::nn::Module& owner, const at::Tensor& input, Function f) {
  return tap(site, tap_around(site, owner, input, std::move(f)));
}

// Of a module's own forward; `module`: a pointer to it, or a holder such as torch::nn::Linear.
template <typename Holder>
at::Tensor tap_around(const Site& site, Holder& module, const at::Tensor& input) {
  return tap_around(site, *module, input, [&](const at::Tensor& x) { return module->forward(x); });
}
template <typename Holder>
at::Tensor tap_operator(const Site& site, Holder& module, const at::Tensor& input) {
  return tap(site, tap_around(site, module, input));
}

}  // namespace gradquake
