// Both ends of the Hessian's spectrum by Lanczos' iteration with full reorthogonalisation.
//
// After m products, H is seen through the tridiagonal T_m = Q_m' H Q_m (alpha on the diagonal, beta beside it). Its
// eigenvalues theta_i are the Ritz values; |beta_m s_mi|, with s_mi the last component of T_m's i-th eigenvector,
// bounds the distance from theta_i to an eigenvalue of H (Parlett 1980, 13.2). It cannot say to which one: where the
// two largest lie within a few percent of each other, as at initialisation, an unlucky start settles on the second
// until later products show the first. The end of larger |eigenvalue| comes within about ten products; the other one
// lies at the edge of a dense bulk around zero and often takes more than fifty.
//
// A start inside an invariant subspace sees nothing beyond it, and no residual tells. Once both ends have converged,
// what is left of the limit goes into a second, independent start: an end that it sees farther out counts.
//
// Dot products accumulate in float64. An exhausted Krylov space, a zero Hessian and non-finite products are results,
// not errors.
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
  double tolerance = 1e-3;  // an end has converged where its residual is below tolerance times the largest |Ritz value|
  std::uint64_t seed = 0;   // of the Gaussian starting vector; its own stream, not the global generator
  std::vector<at::Tensor> start = {};  // another starting vector, shaped like the parameters; empty: the Gaussian one
};

// One end of the spectrum. It is read where it converges, and again where later products move it by more than the
// tolerance (it had settled on an inner eigenvalue); until it converges, after every product.
struct SpectrumEnd {
  double value = 0;        // Ritz value: the end lies at it or farther out; NaN where a product was not finite
  double residual = 0;     // |beta_m s_m|: some eigenvalue lies within it
  bool converged = false;  // residual <= tolerance * largest |Ritz value|
};

struct Spectrum {
  SpectrumEnd lambda_max;
  SpectrumEnd lambda_min;
  int products = 0;  // spent here: up to limit, fewer where both starts have found both ends
  Tridiagonal T;     // T_m of the first start

  double smoothness() const;  // max(|lambda_max|, |lambda_min|); NaN where they are
  bool converged() const { return lambda_max.converged && lambda_min.converged; }
};

// Throws UserError for limit < 1, a tolerance that is not positive, or a start of other shapes, zero or not finite.
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
