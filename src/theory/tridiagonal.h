// Eigenvalues of a small symmetric tridiagonal matrix (a Lanczos matrix T_m, m up to about 100) and the first
// components of its eigenvectors: all that functions of T_m applied to e_1 need. Jacobi rotations, accurate to
// rounding.
#pragma once

#include <span>
#include <vector>

#include "gradquake/core/export.h"

namespace gradquake::theory {

// values ascending; first[i] = e_1^T q_i for the unit eigenvector q_i of values[i].
struct TridiagonalSpectrum {
  std::vector<double> values;
  std::vector<double> first;
};

// alpha: m >= 1 diagonal entries; beta: m - 1 entries beside it. Throws UserError on other lengths or non-finite
// entries.
GRADQUAKE_EXPORT TridiagonalSpectrum tridiagonal_spectrum(std::span<const double> alpha, std::span<const double> beta);

}  // namespace gradquake::theory
