// Gains of the sharp bounds: per-operator constants and Minkowski's inequality, in the notation of constants.h.
//
// Second moment, rms(z) = sqrt(E||z||^2), linear in the rms values of the perturbations:
//   rms(y~_i - y_i)         <= ell_i rms(y~_{i-1} - y_{i-1}) + rms(delta_i)
//   rms(v~_{i-1} - v_{i-1}) <= c_i rms(v~_i - v_i) + D_i nu_i rms(y~_{i-1} - y_{i-1}) + rms(eps_i)
//   rms(u~_i - u_i)         <= k_i rms(v~_i - v_i) + D_i nu_i rms(y~_{i-1} - y_{i-1})
// Bias, with m_j = rms of E[delta_j | past], s_j = E||delta_j||^2, n_k = rms of E[eps_k | past]:
//   ||E[u~_i - u_i]|| <= sum_j (A_ij m_j + B_ij s_j / 2) + sum_{k>i} P_ik n_k,   P_ik = k_i c_{i+1} ... c_{k-1}
// A_ij and B_ij bound the first and second derivative of U_i = K_i^T J_{i+1}^T ... J_N^T in delta_j along the path,
// by the product rule: factor k of U_i (norm c_k, k_i for k = i) depends on delta_j where k > j, with
// g_kj = ell_{j+1} ... ell_{k-1} >= ||dy_{k-1}/d delta_j|| and S_{k,j} = ell_k S_{k-1,j} + D_k g_kj^2, S_{j,j} = 0:
//   A_ij = sum_k D_k g_kj prod_others
//   B_ij = 2 sum_{k<k'} D_k D_k' g_kj g_k'j prod_others + sum_k (E_k g_kj^2 + D_k S_{k-1,j}) prod_others
#pragma once

#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/constants.h"

namespace gradquake::theory {

// N rows (operator i at i-1), N-1 columns (delta_j, or eps_{j+1}, at j-1).
using Gains = std::vector<std::vector<double>>;

struct SharpGains {
  Gains delta_rms;        // rms(u~_i - u_i) per rms(delta_j)
  Gains eps_rms;          // rms(u~_i - u_i) per rms(eps_{j+1}); also P, the gain of its conditional mean
  Gains delta_mean;       // A_ij
  Gains delta_curvature;  // B_ij
};

// per_operator: N >= 2 entries.
GRADQUAKE_EXPORT SharpGains sharp_gains(const std::vector<OperatorConstants>& per_operator);

}  // namespace gradquake::theory
