#include "gradquake/hooks/sites/operator_tap.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/saved_variable_hooks.h>
#include <torch/nn/module.h>

#include <typeinfo>

#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/dense_floating.h"
#include "gradquake/hooks/tap_layer.h"

namespace gradquake {
namespace detail {

// One tensor that an operator keeps, shared by the graph and, as long as it gathers, a SavedTensors.
struct KeptTensor {
  at::Tensor tensor;
  std::int64_t version = 0;

  void keep(const at::Tensor& now) {
    tensor = now;
    version = now._version();
  }

  static std::unique_ptr<torch::autograd::SavedVariableHooks> hooks_of(SavedTensors* gathering);
};

namespace {

constinit thread_local SavedTensors* innermost_gathering = nullptr;

class KeepingHooks : public torch::autograd::SavedVariableHooks {
 public:
  explicit KeepingHooks(std::shared_ptr<KeptTensor> kept) : kept_(std::move(kept)) {}
  // Detached: no cycle through its grad_fn.
  void call_pack_hook(const at::Tensor& tensor) override { kept_->keep(tensor.detach()); }
  // With hooks LibTorch leaves out its own check.
  at::Tensor call_unpack_hook() override {
    TORCH_CHECK(kept_->tensor._version() == kept_->version,
                "one of the variables needed for gradient computation has been modified by an inplace operation: ",
                kept_->tensor.toString(), " ", kept_->tensor.sizes(), " is at version ", kept_->tensor._version(),
                "; expected version ", kept_->version, " instead");
    return kept_->tensor;
  }

 private:
  std::shared_ptr<KeptTensor> kept_;
};

// The only place where LibTorch asks whether a tensor is to be kept in another way (as Python's
// saved_tensors_hooks): its autograd engine.
class KeepingEngine : public torch::autograd::Engine {
 public:
  // LibTorch starts the threads of other devices once a process, for the engine that comes first; a later one without
  // threads of its own fails at the first tensor that is not on the CPU.
  KeepingEngine() {
    initialize_device_threads_pool();
    if (device_ready_queues_.empty()) start_device_threads();
  }
  std::unique_ptr<torch::autograd::SavedVariableHooks> get_default_saved_variable_hooks() override {
    if (innermost_gathering == nullptr || innermost_layer == nullptr) return nullptr;
    return KeptTensor::hooks_of(innermost_gathering);
  }
};

// False where the engine is not LibTorch's own. Never destroyed: graphs may outlive whatever would own it.
bool engine_asks_us() {
  static const bool installed = [] {
    using torch::autograd::Engine;
    const Engine& before = Engine::get_default_engine();
    if (typeid(before) != typeid(Engine)) return false;
    static auto* const engine = new KeepingEngine;
    torch::autograd::set_default_engine_stub([]() -> Engine& { return *engine; });
    return true;
  }();
  return installed;
}

}  // namespace

std::unique_ptr<torch::autograd::SavedVariableHooks> KeptTensor::hooks_of(SavedTensors* gathering) {
  gathering->kept_.push_back(std::make_shared<KeptTensor>());
  return std::make_unique<KeepingHooks>(gathering->kept_.back());
}

Site input_site(const Site& owner) { return Site(input_name(owner.name(), 0, 1)); }

}  // namespace detail

bool beneath_is_wanted() {
  for (const detail::TapLayer* layer = detail::innermost_layer; layer != nullptr; layer = layer->outer)
    if (layer->wants_beneath()) return true;
  return false;
}

at::Tensor tap_input(const Site& site, at::Tensor tensor, std::int64_t batch_dim) {
  if (detail::innermost_layer == nullptr || !detail::is_dense_floating(tensor)) return tensor;
  return detail::tap_beneath(site, std::move(tensor), batch_dim);
}

ConstantMemory::ConstantMemory(const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors)
    if (tensor.defined() && tensor.has_storage()) storages_.insert(tensor.storage().unsafeGetStorageImpl());
}

ConstantMemory::ConstantMemory(const torch::nn::Module& owner) : ConstantMemory(owner.parameters()) {
  storages_.merge(ConstantMemory(owner.buffers()).storages_);
}

bool ConstantMemory::holds(const at::Tensor& tensor) const {
  return storages_.contains(tensor.storage().unsafeGetStorageImpl());
}

SavedTensors::SavedTensors(const ConstantMemory& constants)
    : constants_(constants), wanted_(at::GradMode::is_enabled() && beneath_is_wanted() && detail::engine_asks_us()) {
  if (wanted_) outer_ = std::exchange(detail::innermost_gathering, this);
}

SavedTensors::~SavedTensors() {
  if (wanted_) detail::innermost_gathering = outer_;
}

std::size_t SavedTensors::tap(std::string_view owner, std::size_t first) {
  const at::NoGradGuard no_grad;
  for (const auto& one : std::exchange(kept_, {})) {
    if (!detail::is_dense_floating(one->tensor) || constants_.holds(one->tensor)) continue;
    const at::Tensor tapped = detail::tap_beneath(Site(saved_name(owner, first++)), one->tensor, 0);
    if (!tapped.is_same(one->tensor)) one->keep(tapped);
  }
  return first;
}

}  // namespace gradquake
