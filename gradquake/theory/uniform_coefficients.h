// The amplification constants of Theorems 1 and 2 of arXiv 2602.20646, from the uniform constants of Assumption 3.
//
// With S_j = sum_{k=0}^{j} (3 C_grad^2)^k, C_v = max{1, C_grad^N} (Lemma 1) and sites i = 1..N-1:
//   (21)  C^e_delta_i   = 4 C_v^2 L_grad^2 sum_{j=i}^{N-1} S_j (2 L_f^2)^{j-i}
//         C^e_eps_{i+1} = sum_{j=1}^{i} (3 C_grad^2)^j                   printed
//                       = 2 sum_{j=1}^{i} (3 C_grad^2)^j                 corrected: what (15)-(19) prove
//   (33a) C^b_delta_i   = 8 L_hess^2 C_v^2 sum_{j=i}^{N-1} S_j (4 C_grad^2)^{j-i}   printed
//                       = 8 C_hess^2 C_v^2 ...                                      corrected: what (32) proves
//   (33b) C^b_eps_{i+1} = 2 sum_{j=1}^{i} (3 C_grad^2)^j
//         C~^b_delta_i  = 8 sum_{j=i}^{N-1} C_{y_j}^2 (8 L_f^4)^{j-i}
//         C_{y_i}^2     = 8 C_hess^2 L_grad^2 C_v^2 sum_{j=i+1}^{N-1} S_j (4 C_grad^2)^{j-i-1} + 2 L_hess^2 C_v^2 S_i
#pragma once

#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/constants.h"
#include "gradquake/theory/variant.h"

namespace gradquake::theory {

// Entry i-1 belongs to site i: to delta_i and to eps_{i+1}.
struct SecondMomentCoefficients {
  std::vector<double> delta;  // C^e_delta_i, multiplies E||delta_i||^2
  std::vector<double> eps;    // C^e_eps_{i+1}, multiplies E||eps_{i+1}||^2
};

struct BiasCoefficients {
  std::vector<double> delta_mean;    // C^b_delta_i, multiplies E||E[delta_i | past]||^2
  std::vector<double> delta_fourth;  // C~^b_delta_i, multiplies E||delta_i||^4
  std::vector<double> eps_mean;      // C^b_eps_{i+1}, multiplies E||E[eps_{i+1} | past]||^2
};

// variant: printed or corrected; operators: N >= 2. Coefficients beyond the range of double come out infinite.
GRADQUAKE_EXPORT SecondMomentCoefficients second_moment_coefficients(const UniformConstants& uniform, int operators,
                                                                     Variant variant);
GRADQUAKE_EXPORT BiasCoefficients bias_coefficients(const UniformConstants& uniform, int operators, Variant variant);

}  // namespace gradquake::theory
