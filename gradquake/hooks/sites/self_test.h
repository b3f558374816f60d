// Do taps still mean here what they mean in theory? What they are made of (autograd's hooks and functions, the dispatch
// mode of operator_mode.h) is LibTorch's, and may change under a new version.
//
// Perturbed gradients of a float64 network of three layers, from taps by hand and from operator sites (addmm, and
// matmul with an addition in place), against the recursion written out:
//
//   z_i = W_i x_{i-1} + b_i + delta_i     x_i = tanh(z_i)     L = mean over samples of |z_3|^2 / 2
//   u_3 = z_3 + eps_3     u_i = (W_{i+1}^T u_{i+1}) (1 - x_i^2) + eps_i     dL/dW_i = mean of u_i x_{i-1}^T
//
// with delta and eps drawn by address (random/noise.h), for a sample each.
#pragma once

#include "gradquake/hooks/export.h"

namespace gradquake {

// Throws std::runtime_error, naming the version of LibTorch and the way in, where a gradient is off by more than 1e-12
// of its norm. Takes a millisecond, the first time 5.
GRADQUAKE_EXPORT void self_test();

}  // namespace gradquake
