// Spectral norms of Jacobians: c_i = ||df_i/dy|| and k_i = ||df_i/dw_i|| of the sharp bounds (docs/theory.md 2).
//
// J' u is a backward pass (VJP); J v is the gradient of <J' u, v> with respect to a dummy u (double VJP), so the
// function must be differentiable twice. The largest singular value comes from Lanczos on J'J with full
// reorthogonalisation. A function of a batch whose samples do not mix has a block-diagonal Jacobian: all per-sample
// norms come out of one iteration. Batch-norm mixes samples; in train mode per-sample norms mean nothing there.
//
//   const auto c = operator_norm([&](const at::Tensor& y) { return layer->forward(y); }, activations, {});
//   c.value;   // largest over the samples
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::curvature {

struct NormOptions {
  double tolerance = 1e-3;  // bound on the norm's relative error, from the residual
  int max_iterations = 50;  // pairs of J v and J' u
  std::uint64_t seed = 0;   // of the starting vector; its own stream, not the global generator
};

struct OperatorNorm {
  double value = 0;                // largest of per_sample; NaN where a product was not finite
  std::vector<double> per_sample;  // one entry where the function has no batch
  int iterations = 0;              // the most that a sample needed
  bool converged = false;          // every sample within tolerance
};

// Per-sample norms of df/dx at `input` [batch, ...]; f keeps the batch dimension first.
GRADQUAKE_EXPORT OperatorNorm operator_norm(const std::function<at::Tensor(const at::Tensor&)>& f,
                                            const at::Tensor& input, const NormOptions& options = {});

// Norm of the Jacobian of f's whole output with respect to all `parameters` together (one sample: k_i).
GRADQUAKE_EXPORT OperatorNorm parameter_norm(const std::function<at::Tensor()>& f,
                                             const std::vector<at::Tensor>& parameters,
                                             const NormOptions& options = {});

}  // namespace gradquake::curvature
