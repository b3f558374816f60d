#include "search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "gradquake/theory/error_bounds.h"
#include "random_tree.h"

namespace gradquake::verification {
namespace {

using theory::Variant;

// A scalar chain with up to one two-outcome draw per site and direction.
struct Candidate {
  Chain chain;
  PerturbationTree tree;
};

using Ratio = std::function<double(const Candidate&, const ExactErrors&, const theory::Constants&)>;

Operator scalar_operator(Kind kind, double scale) {
  return {.kind = kind, .Q = {1, 1, {scale}}, .scale = scale, .w = {0}};
}

// The leading eigenvector of measured / printed for an affine chain with |J| = |K| = C under constant eps:
// sum_i (sum_{k>i} C^{k-i} e_k)^2 / sum_k e_k^2 sum_{j<k} (3 C^2)^j.
Candidate affine_start(int N, double C) {
  Candidate candidate;
  candidate.chain.input = {1.0};
  for (int i = 0; i < N; ++i) {
    candidate.chain.operators.push_back(scalar_operator(Kind::kAffine, C));
    candidate.chain.operators.back().k = C;
  }
  const auto sites = static_cast<std::size_t>(N) - 1;
  std::vector<double> price(sites);
  double power = 1;
  double sum = 0;
  for (double& one : price) {
    sum += power *= 3 * C * C;
    one = sum;
  }
  std::vector<double> e(sites, 1.0);
  for (int iteration = 0; iteration < 200; ++iteration) {
    std::vector<double> image(sites, 0.0);
    for (std::size_t i = 0; i < sites; ++i) {
      double row = 0;
      for (std::size_t k = i; k < sites; ++k) {
        row += std::pow(C, static_cast<double>(k - i + 1)) * e[k];
      }
      for (std::size_t k = i; k < sites; ++k) {
        image[k] += std::pow(C, static_cast<double>(k - i + 1)) * row;
      }
    }
    double size = 0;
    for (std::size_t k = 0; k < sites; ++k) {
      e[k] = image[k] / price[k];
      size = std::max(size, e[k]);
    }
    for (double& one : e) {
      one /= size;
    }
  }
  candidate.tree = {std::vector<SiteTables>(sites), std::vector<SiteTables>(sites)};
  for (std::size_t k = 0; k < sites; ++k) {
    candidate.tree.eps[k] = constant({e[k]});
  }
  return candidate;
}

Candidate random_start(bool random_draws, std::mt19937_64& random) {
  std::uniform_real_distribution<double> log_scale(std::log(0.05), std::log(3.0));
  std::normal_distribution<double> normal;
  Candidate candidate;
  const int N = std::uniform_int_distribution<int>(2, 6)(random);
  candidate.chain.input = {normal(random)};
  constexpr Kind kKinds[]{Kind::kAffine, Kind::kQuadratic, Kind::kGated, Kind::kSigmoid, Kind::kTanh};
  for (int i = 0; i < N; ++i) {
    Operator one = scalar_operator(kKinds[random() % 5], std::exp(log_scale(random)));
    one.w = {normal(random)};
    one.a = normal(random);
    one.b = normal(random);
    one.k = std::exp(log_scale(random));
    candidate.chain.operators.push_back(one);
  }
  const auto sites = static_cast<std::size_t>(N) - 1;
  candidate.tree = {std::vector<SiteTables>(sites), std::vector<SiteTables>(sites)};
  for (int n = 0; n < (random_draws ? 3 : 5); ++n) {
    const std::size_t site = random() % sites;
    const bool forward = random() % 3 != 0;
    const double size = std::exp(log_scale(random)) * (random() % 2 == 0 ? 1 : -1);
    SiteTables& tables = forward ? candidate.tree.delta[site] : candidate.tree.eps[site];
    tables = random_draws && random() % 2 == 0 ? fair_signs({size}) : constant({size});
    if (random_draws && random() % 3 == 0) {
      tables.tables.push_back(fair_signs({std::exp(log_scale(random))}).tables.front());
    }
  }
  return candidate;
}

void mutate_number(double& x, double strength, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  x = random() % 8 == 0 ? normal(random) : x * std::exp(strength * normal(random));
}

Candidate mutated(Candidate candidate, double strength, std::mt19937_64& random) {
  const int changes = 1 + static_cast<int>(random() % 3);
  for (int n = 0; n < changes; ++n) {
    Operator& one = candidate.chain.operators[random() % candidate.chain.operators.size()];
    switch (random() % 7) {
      case 0:
        mutate_number(one.scale, strength, random);
        one.Q.entries = {one.scale};
        break;
      case 1:
        mutate_number(one.a, strength, random);
        break;
      case 2:
        mutate_number(one.b, strength, random);
        break;
      case 3:
        mutate_number(one.k, strength, random);
        break;
      case 4:
        mutate_number(random() % 2 == 0 ? one.w[0] : candidate.chain.input[0], strength, random);
        break;
      default: {
        std::vector<SiteTables>& side = random() % 2 == 0 ? candidate.tree.delta : candidate.tree.eps;
        for (Draw& draw : side[random() % side.size()].tables) {
          double factor = 1;
          mutate_number(factor, strength, random);
          for (Vector& outcome : draw.outcomes) {
            outcome[0] *= factor;
          }
        }
      }
    }
  }
  return candidate;
}

double evaluate(const Candidate& candidate, Variant variant, bool bias, SearchResult& best) {
  ++best.tried;
  const ExactErrors errors = exact_errors(candidate.chain, candidate.tree);
  const theory::Constants constants = theory_constants(candidate.chain, candidate.tree, errors);
  const double measured = bias ? errors.bias_squared : errors.second_moment;
  double bound = 0;
  if (bias) {
    const auto outcome = theory::theorem2(constants, variant);
    bound = outcome.bound ? outcome.bound->value : INFINITY;
  } else {
    const auto outcome = theory::theorem1(constants, variant);
    bound = outcome.bound ? outcome.bound->value : INFINITY;
  }
  if (!std::isfinite(bound) || measured < 1e-16 || !std::isfinite(measured)) {
    return 0;
  }
  const double ratio = measured / bound;
  if (ratio > best.ratio) {
    best.ratio = ratio;
    best.N = constants.operators;
    best.C = constants.uniform->C_grad;
  }
  return ratio;
}

void climb(Candidate candidate, Variant variant, bool bias, int steps, std::mt19937_64& random, SearchResult& best) {
  double ratio = evaluate(candidate, variant, bias, best);
  for (int step = 0; step < steps; ++step) {
    const double strength = 0.5 * std::pow(0.02, static_cast<double>(step) / steps);
    Candidate next = mutated(candidate, strength, random);
    const double next_ratio = evaluate(next, variant, bias, best);
    if (next_ratio >= ratio) {
      candidate = std::move(next);
      ratio = next_ratio;
    }
  }
}

}  // namespace

SearchResult search_theorem1_printed() {
  std::mt19937_64 random(11);
  SearchResult best;
  for (const int N : {2, 3, 4, 6, 8, 12, 20}) {
    for (const double C : {0.1, 0.2, 0.3, 0.4, 0.5, 0.577, 0.65, 0.8, 1.0, 1.5, 3.0}) {
      climb(affine_start(N, C), Variant::kPrinted, false, 40, random, best);
    }
  }
  for (int restart = 0; restart < 300; ++restart) {
    climb(random_start(false, random), Variant::kPrinted, false, 200, random, best);
  }
  return best;
}

SearchResult search_theorem2_corrected() {
  std::mt19937_64 random(12);
  SearchResult best;
  for (const int N : {2, 4, 8, 20}) {
    for (const double C : {0.1, 0.3, 0.5, 0.577, 0.65, 1.0}) {
      climb(affine_start(N, C), Variant::kCorrected, true, 40, random, best);
    }
  }
  for (int restart = 0; restart < 300; ++restart) {
    climb(random_start(true, random), Variant::kCorrected, true, 200, random, best);
  }
  return best;
}

}  // namespace gradquake::verification
