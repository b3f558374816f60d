// E||delta_j||^2, ||E delta_j||^2, E||delta_j||^4 and the frequency of a config's rules, per sample, in closed form:
// what the file of constants says of delta and eps. R is taken as 1 under relative_to none and from the given RMS of
// the sites otherwise. Amplitudes that change are averaged over the firing steps; rules that share a site add up, each
// as often as the most frequent of them. A kind that does not know its moments is refused.
#pragma once

#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/theory/constants.h"

namespace gradquake::measure {

// A site as the moments need it.
struct SiteSize {
  std::string name;
  double features = 0;      // elements a sample
  double forward_rms = 0;   // of the activation
  double backward_rms = 0;  // of its gradient, per sample: autograd's tensor times the loss divisor
};

// Sets constants.delta and constants.eps (one entry a site). Throws UserError for a kind whose moments are not known.
GRADQUAKE_EXPORT void add_moments(const Plan& plan, const std::vector<SiteSize>& sites, theory::Constants& constants);

}  // namespace gradquake::measure
