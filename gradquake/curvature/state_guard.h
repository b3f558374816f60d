// Everything a curvature pass could disturb, held still while the guard lives and put back afterwards:
//   * the module's buffers (batch-norm's running statistics and counters), bit for bit;
//   * dropout: addressed masks (hooks/dropout.h) and the default CPU generator, from which other modules draw theirs;
//   * taps: off, whatever plan is active on this thread (PlanPause), in forward, backward and double backward;
//   * flash attention and TorchScript's graph optimiser: off, because neither has a right double backward
//     (flash refuses; the optimiser gave NaN, hung or was silently wrong).
// Left alone: grad fields (products use autograd::grad), parameters, and train or evaluation mode. In train mode
// batch-norm therefore works with the probe batch's own statistics, as training does (with running statistics
// lambda_max was 0.93 for 5.41).
//
//   StateGuard guard(*model, dropout_seed);
//   HessianOperator hessian([&] { return loss(model->forward(probe), labels) + regularizer(); }, model->parameters());
//   const Spectrum spectrum = lanczos(hessian, {.limit = 20});
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "gradquake/hooks/export.h"

namespace torch::nn {
class Module;
}

namespace gradquake::curvature {

// Which derivatives the guarded pass takes. kFirst leaves flash attention and the graph optimiser as they are: a clean
// pass beside a training step then runs the same kernels as the step.
enum class Derivatives { kFirst, kSecond };

class GRADQUAKE_EXPORT StateGuard {
 public:
  // dropout_seed: addressed masks and the generator start from it, so that masks are the same in every pass that uses
  // the seed; without it the masks are those that training would draw next.
  explicit StateGuard(torch::nn::Module& module, std::optional<std::uint64_t> dropout_seed = std::nullopt,
                      Derivatives derivatives = Derivatives::kSecond);
  ~StateGuard();
  StateGuard(const StateGuard&) = delete;
  StateGuard& operator=(const StateGuard&) = delete;

  // Masks and generator back to where the guard put them: the next graph draws the same dropout masks as the first.
  void rewind();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradquake::curvature
