// Random perturbations with few outcomes, so that every expectation of Theorems 1 and 2 is an exact finite sum.
// delta_1,
// ..., delta_{N-1} are drawn in this order, then eps_N, ..., eps_2; each draw may depend on the outcomes before it.
#pragma once

#include <random>
#include <vector>

#include "chain.h"

namespace gradquake::verification {

// One distribution: outcomes with their probabilities.
struct Draw {
  std::vector<Vector> outcomes;
  Vector probabilities;
};

// A site takes the first table where an even number of earlier draws came out at their first outcome, the second where
// odd; no tables: the site is quiet.
struct SiteTables {
  std::vector<Draw> tables;
};

struct PerturbationTree {
  std::vector<SiteTables> delta;  // N-1
  std::vector<SiteTables> eps;    // N-1, entry i-2 for eps_i
};

// Everything exact, by enumeration of all outcomes.
struct ExactErrors {
  double second_moment = 0;  // E||u~ - u||^2
  double bias_squared = 0;   // ||E[u~ - u]||^2
  Vector bias_norms;         // ||E[u~_i - u_i]||
  Vector rms;                // rms(u~_i - u_i)
  std::vector<theory::ForwardMoments> delta;
  std::vector<theory::BackwardMoments> eps;
};

ExactErrors exact_errors(const Chain& chain, const PerturbationTree& tree);

// Largest ||delta_j|| over all outcomes.
Vector largest_delta(const PerturbationTree& tree);

// Up to `max_active` active sites and directions, sizes log-uniform in [smallest, largest]; zero-mean, biased,
// constant, skewed and past-dependent draws.
PerturbationTree random_tree(const Chain& chain, int max_active, double smallest, double largest,
                             std::mt19937_64& random);

// Plus or minus `outcome`, fair.
SiteTables fair_signs(const Vector& outcome);
SiteTables constant(const Vector& outcome);

// Constants for theory::theorem1 and theorem2: operators, moments, per-operator and uniform constants.
theory::Constants theory_constants(const Chain& chain, const PerturbationTree& tree, const ExactErrors& errors);

}  // namespace gradquake::verification
