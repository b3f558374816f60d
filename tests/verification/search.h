// Searches for chains that violate a bound: hill climbing with restarts over scalar chains (kinds and coefficients of
// the operators, sizes and probabilities of the perturbations), the ratio measured / bound being climbed.
#pragma once

namespace gradquake::verification {

struct SearchResult {
  double ratio = 0;  // largest measured / bound
  int N = 0;
  double C = 0;  // C_grad of that chain
  int tried = 0;
};

// (13) with the printed constants (21). Starts from affine chains whose eps are the leading eigenvector of the ratio.
SearchResult search_theorem1_printed();

// (23) with the corrected constants (33).
SearchResult search_theorem2_corrected();

}  // namespace gradquake::verification
