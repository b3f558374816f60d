// Extreme eigenvalues of the Hessian by Lanczos' iteration with full reorthogonalisation.
//
// After m products, H is seen through the tridiagonal T_m = Q_m' H Q_m (alpha on the diagonal, beta beside it). Its
// eigenvalues theta_i are the Ritz values; |beta_m s_mi|, with s_mi the last component of T_m's i-th eigenvector,
// bounds the distance from theta_i to an eigenvalue of H (Parlett 1980, 13.2). It cannot say to which one: where the
// two largest lie within a few percent of each other, as at initialisation, an unlucky start settles on the second.
//
// Dot products accumulate in float64. An exhausted Krylov space (beta_m = 0), a zero Hessian and non-finite products
// are results, not errors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "gradquake/core/tridiagonal.h"
#include "gradquake/curvature/hessian_operator.h"
#include "gradquake/hooks/export.h"

namespace gradquake::curvature {

using gradquake::Tridiagonal;

struct LanczosOptions {
  int limit = 20;           // most products, >= 1
  double tolerance = 1e-3;  // stop when the residual of the largest |Ritz value| is below tolerance times it
  std::uint64_t seed = 0;   // of the Gaussian starting vector; its own stream, not the global generator
};

struct Spectrum {
  double lambda_max = 0;   // largest Ritz value; NaN where a product was not finite
  double lambda_min = 0;   // smallest Ritz value: from above, and rougher than the largest |Ritz value|
  int products = 0;        // spent here
  double residual = 0;     // |beta_m s_m| of the largest |Ritz value|
  bool converged = false;  // residual <= tolerance |Ritz value|
  Tridiagonal T;           // T_m

  double smoothness() const;  // max(|lambda_max|, |lambda_min|); NaN where they are
};

// From a random start. Throws UserError for limit < 1 or a tolerance that is not positive.
GRADQUAKE_EXPORT Spectrum lanczos(HessianOperator& hessian, const LanczosOptions& options = {});

// T_m started AT a displacement Delta, at most `steps` products; fewer where the Krylov space is exhausted, empty where
// Delta is zero or not finite; a non-finite product ends T with a NaN on its diagonal. With gamma the step size,
//   ||H (I - gamma H)^k Delta||  ~=  ||Delta|| ||T_m (I - gamma T_m)^k e_1||,   exact for k <= m - 2,
// and for every k once T is complete (`norm` gives ||Delta||). Throws UserError for steps < 1 or other shapes.
GRADQUAKE_EXPORT Tridiagonal lanczos_from(HessianOperator& hessian, const std::vector<at::Tensor>& displacement,
                                          int steps);

// Euclidean norm of all tensors together, accumulated in float64; undefined tensors count as zero.
GRADQUAKE_EXPORT double norm(const std::vector<at::Tensor>& tensors);

}  // namespace gradquake::curvature
