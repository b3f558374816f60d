#include "gradquake/curvature/state_guard.h"

#include <ATen/Context.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/nn/module.h>

#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/model/module_state.h"

namespace gradquake::curvature {

struct StateGuard::State {
  explicit State(const torch::nn::Module& module) : buffers(module) {}

  PlanPause taps_off;
  DropoutAside aside;
  std::optional<DropoutScope> masks;
  model::BufferSnapshot buffers;
  model::GeneratorSnapshot outer_generator;
  std::optional<model::GeneratorSnapshot> inner_generator;
  bool flash = at::globalContext().userEnabledFlashSDP();
  bool graph_optimizer = torch::jit::getGraphExecutorOptimize();
};

StateGuard::StateGuard(torch::nn::Module& module, std::optional<std::uint64_t> dropout_seed, Derivatives derivatives)
    : state_(std::make_unique<State>(module)) {
  if (dropout_seed) {
    state_->masks.emplace(DropoutContext{.seed = *dropout_seed});
    model::seed_generator(*dropout_seed);
  }
  state_->inner_generator.emplace();
  if (derivatives == Derivatives::kFirst) return;
  at::globalContext().setSDPUseFlash(false);
  torch::jit::setGraphExecutorOptimize(false);
}

StateGuard::~StateGuard() {
  state_->buffers.restore();
  state_->outer_generator.restore();
  at::globalContext().setSDPUseFlash(state_->flash);
  torch::jit::setGraphExecutorOptimize(state_->graph_optimizer);
}

void StateGuard::rewind() {
  state_->inner_generator->restore();
  if (state_->masks)
    state_->masks->rewind();
  else
    state_->aside.rewind();
}

}  // namespace gradquake::curvature
