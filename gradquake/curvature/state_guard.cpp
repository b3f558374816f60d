#include "gradquake/curvature/state_guard.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/nn/module.h>

#include <mutex>
#include <utility>
#include <vector>

#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/plan_scope.h"

namespace gradquake::curvature {
namespace {

at::Tensor generator_state() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void set_generator_state(const at::Tensor& state) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace

struct StateGuard::State {
  struct SavedBuffer {
    at::Tensor buffer, value;
  };

  explicit State(const torch::nn::Module& module) {
    for (const at::Tensor& buffer : module.buffers()) {
      if (buffer.defined()) buffers.push_back({buffer, buffer.detach().clone()});
    }
  }

  PlanPause taps_off;
  DropoutAside aside;
  std::optional<DropoutScope> masks;
  std::vector<SavedBuffer> buffers;
  at::Tensor outer_generator = generator_state();
  at::Tensor inner_generator;
  bool flash = at::globalContext().userEnabledFlashSDP();
  bool graph_optimizer = torch::jit::getGraphExecutorOptimize();
};

StateGuard::StateGuard(torch::nn::Module& module, std::optional<std::uint64_t> dropout_seed, Derivatives derivatives)
    : state_(std::make_unique<State>(module)) {
  if (dropout_seed) {
    state_->masks.emplace(DropoutContext{.seed = *dropout_seed});
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::lock_guard lock(generator.mutex());
    generator.set_current_seed(*dropout_seed);
  }
  state_->inner_generator = generator_state();
  if (derivatives == Derivatives::kFirst) return;
  at::globalContext().setSDPUseFlash(false);
  torch::jit::setGraphExecutorOptimize(false);
}

StateGuard::~StateGuard() {
  // variable_data: a graph that the training still holds must not see its buffers' version change, their values do not.
  for (auto& [buffer, value] : state_->buffers) buffer.variable_data().copy_(value);
  set_generator_state(state_->outer_generator);
  at::globalContext().setSDPUseFlash(state_->flash);
  torch::jit::setGraphExecutorOptimize(state_->graph_optimizer);
}

void StateGuard::rewind() {
  set_generator_state(state_->inner_generator);
  if (state_->masks)
    state_->masks->rewind();
  else
    state_->aside.rewind();
}

}  // namespace gradquake::curvature
