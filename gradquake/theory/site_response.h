// What one site alone does to e2 = E||u~ - u||^2 and b2 = E||E_t[u~ - u]||^2, as polynomials in its magnitude s, the
// rms of the perturbation: e2 = energy s^2, b2 = mean s^2 + cross s^3 + spread s^4, for a distribution of a given
// shape.
#pragma once

#include <string>
#include <vector>

#include "gradquake/theory/constants.h"
#include "gradquake/theory/variant.h"

namespace gradquake::theory {

struct SiteResponse {
  std::string direction{};  // "forward" | "backward"
  int index = 0;            // j of delta_j, i of eps_i
  double magnitude = 0;     // rms of the moments in the constants; 0 where there are none
  double frequency = 1;
  double energy = 0;
  double mean = 0;
  double cross = 0;
  double spread = 0;

  double second_moment(double s) const { return s == 0 ? 0 : energy * s * s; }
  double bias_squared(double s) const { return s == 0 ? 0 : ((spread * s + cross) * s + mean) * s * s; }
};

// Forward sites 1..N-1, then backward operators 2..N. constants: valid, and complete for `variant` (not measured).
std::vector<SiteResponse> site_responses(const Constants& constants, Variant variant);

}  // namespace gradquake::theory
