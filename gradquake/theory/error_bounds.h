// Theorem 1 (13) and Theorem 2 (23) of arXiv 2602.20646: how far perturbed passes move one step's gradient.
//
//   Theorem 1:  E||u~ - u||^2        <= sum_i C^e_delta_i E||delta_i||^2 + sum_i C^e_eps_i E||eps_i||^2
//   Theorem 2:  E||E_t[u~ - u]||^2   <= sum_i C^b_delta_i E||E[delta_i|past]||^2 + sum_i C~^b_delta_i E||delta_i||^4
//                                       + sum_i C^b_eps_i E||E[eps_i|past]||^2
//
// Variants: printed and corrected from the uniform constants (uniform_coefficients.h), sharp from the per-operator ones
// (sharp_gains.h), measured as observed. A site that fires with probability f at each step contributes f times its
// moments; in the sharp variant Minkowski's inequality is taken over steps as well, sqrt(f) times each rms.
#pragma once

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/theory/constants.h"
#include "gradquake/theory/variant.h"

namespace gradquake::theory {

// One perturbation acting alone: value = coefficient * moment.
struct SiteTerm {
  int index = 0;           // j of delta_j, i of eps_i
  double coefficient = 0;  // amplification
  double moment = 0;       // frequency times the moment it multiplies
  double value = 0;
};

// value = sum of the terms + interaction.
struct SecondMomentBound {
  Variant variant = Variant::kPrinted;
  std::string equation{};
  double value = 0;
  std::vector<SiteTerm> delta{};
  std::vector<SiteTerm> eps{};
  double interaction = 0;  // sharp: what sites add by acting together, worst case; 0 otherwise
};

struct BiasBound {
  Variant variant = Variant::kPrinted;
  std::string equation{};
  double value = 0;
  std::vector<SiteTerm> delta_mean{};    // conditional means
  std::vector<SiteTerm> delta_spread{};  // E||delta||^4; sharp: (E||delta||^2)^2
  std::vector<SiteTerm> eps_mean{};
  double interaction = 0;
};

// No bound, with a reason, where the variant's constants are absent or the value overflows. Throws UserError where a
// constant is bad (validate()).
GRADQUAKE_EXPORT Outcome<SecondMomentBound> theorem1(const Constants& constants, Variant variant);
GRADQUAKE_EXPORT Outcome<BiasBound> theorem2(const Constants& constants, Variant variant);

}  // namespace gradquake::theory
