#include "random_tree.h"

#include <algorithm>
#include <cmath>

namespace gradquake::verification {
namespace {

Vector mean_of(const Draw& draw) {
  Vector mean(draw.outcomes.front().size(), 0.0);
  for (std::size_t a = 0; a < draw.outcomes.size(); ++a) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] += draw.probabilities[a] * draw.outcomes[a][i];
    }
  }
  return mean;
}

double squared(double x) { return x * x; }

// Walks through all outcomes, forward sites first, then backward ones from N down to 2.
class Enumeration {
 public:
  Enumeration(const Chain& chain, const PerturbationTree& tree)
      : chain_(chain), tree_(tree), clean_(clean_pass(chain)) {
    sites_ = tree.delta.size();
    errors_.delta.resize(sites_);
    errors_.eps.resize(sites_);
    perturbation_.delta.resize(sites_);
    perturbation_.eps.resize(sites_);
    for (const Vector& u : clean_.u) {
      mean_.push_back(Vector(u.size(), 0.0));
    }
    errors_.rms.assign(clean_.u.size(), 0.0);
  }

  ExactErrors run() {
    visit(0, 1.0, 0);
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      errors_.bias_norms.push_back(norm(mean_[i]));
      errors_.bias_squared += squared(norm(mean_[i]));
      errors_.second_moment += errors_.rms[i];
      errors_.rms[i] = std::sqrt(errors_.rms[i]);
    }
    return errors_;
  }

 private:
  void visit(std::size_t position, double probability, int first_outcomes) {
    if (position == 2 * sites_) {
      leaf(probability);
      return;
    }
    const bool forward = position < sites_;
    const std::size_t site = forward ? position : 2 * sites_ - 1 - position;
    const SiteTables& tables = forward ? tree_.delta[site] : tree_.eps[site];
    Vector& slot = forward ? perturbation_.delta[site] : perturbation_.eps[site];
    if (tables.tables.empty()) {
      visit(position + 1, probability, first_outcomes);
      return;
    }
    const Draw& draw = tables.tables[static_cast<std::size_t>(first_outcomes) % tables.tables.size()];
    const double mean_squared = probability * squared(norm(mean_of(draw)));
    (forward ? errors_.delta[site].mean_squared : errors_.eps[site].mean_squared) += mean_squared;
    for (std::size_t a = 0; a < draw.outcomes.size(); ++a) {
      slot = draw.outcomes[a];
      const double weight = probability * draw.probabilities[a];
      const double size = squared(norm(slot));
      if (forward) {
        errors_.delta[site].second_moment += weight * size;
        errors_.delta[site].fourth_moment += weight * size * size;
      } else {
        errors_.eps[site].second_moment += weight * size;
      }
      visit(position + 1, weight, first_outcomes + (a == 0 ? 1 : 0));
    }
    slot.clear();
  }

  void leaf(double probability) {
    const Pass pass = perturbed_pass(chain_, perturbation_);
    for (std::size_t i = 0; i < pass.u.size(); ++i) {
      for (std::size_t n = 0; n < pass.u[i].size(); ++n) {
        const double error = pass.u[i][n] - clean_.u[i][n];
        mean_[i][n] += probability * error;
        errors_.rms[i] += probability * error * error;
      }
    }
  }

  const Chain& chain_;
  const PerturbationTree& tree_;
  Pass clean_;
  std::size_t sites_ = 0;
  Perturbation perturbation_;
  std::vector<Vector> mean_;
  ExactErrors errors_;
};

Vector random_direction(std::size_t size, double length, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  Vector x(size);
  for (double& one : x) {
    one = normal(random);
  }
  const double scale = length / norm(x);
  for (double& one : x) {
    one *= scale;
  }
  return x;
}

Vector times(Vector x, double factor) {
  for (double& one : x) {
    one *= factor;
  }
  return x;
}

Draw random_draw(std::size_t size, double length, std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(0, 1);
  const Vector x = random_direction(size, length, random);
  switch (std::uniform_int_distribution<int>(0, 4)(random)) {
    case 0:  // fair signs
      return {{x, times(x, -1)}, {0.5, 0.5}};
    case 1: {  // skewed, zero mean
      const double p = 0.1 + 0.4 * unit(random);
      return {{x, times(x, -p / (1 - p))}, {p, 1 - p}};
    }
    case 2:  // constant
      return {{x}, {1.0}};
    case 3:  // three unrelated outcomes
      return {{x, random_direction(size, length * unit(random), random), random_direction(size, length, random)},
              {0.25, 0.25, 0.5}};
    default:  // rare and large
      return {{x, Vector(size, 0.0)}, {0.125, 0.875}};
  }
}

}  // namespace

ExactErrors exact_errors(const Chain& chain, const PerturbationTree& tree) { return Enumeration(chain, tree).run(); }

Vector largest_delta(const PerturbationTree& tree) {
  Vector result;
  for (const SiteTables& site : tree.delta) {
    double size = 0;
    for (const Draw& draw : site.tables) {
      for (const Vector& outcome : draw.outcomes) {
        size = std::max(size, norm(outcome));
      }
    }
    result.push_back(size);
  }
  return result;
}

PerturbationTree random_tree(const Chain& chain, int max_active, double smallest, double largest,
                             std::mt19937_64& random) {
  const std::size_t sites = chain.operators.size() - 1;
  PerturbationTree tree{std::vector<SiteTables>(sites), std::vector<SiteTables>(sites)};
  std::uniform_int_distribution<std::size_t> position(0, 2 * sites - 1);
  std::uniform_real_distribution<double> log_size(std::log(smallest), std::log(largest));
  std::bernoulli_distribution depends(0.5);
  const int active = std::uniform_int_distribution<int>(1, max_active)(random);
  for (int n = 0; n < active; ++n) {
    const std::size_t at = position(random);
    SiteTables& site = at < sites ? tree.delta[at] : tree.eps[at - sites];
    const std::size_t size = chain.operators[at < sites ? at : at - sites].Q.rows;
    site.tables = {random_draw(size, std::exp(log_size(random)), random)};
    if (depends(random)) {
      site.tables.push_back(random_draw(size, std::exp(log_size(random)), random));
    }
  }
  return tree;
}

SiteTables fair_signs(const Vector& outcome) { return {{Draw{{outcome, times(outcome, -1)}, {0.5, 0.5}}}}; }

SiteTables constant(const Vector& outcome) { return {{Draw{{outcome}, {1.0}}}}; }

theory::Constants theory_constants(const Chain& chain, const PerturbationTree& tree, const ExactErrors& errors) {
  theory::Constants constants;
  constants.operators = static_cast<int>(chain.operators.size());
  constants.per_operator = chain_constants(chain, largest_delta(tree));
  constants.uniform = theory::uniform_from(constants.per_operator);
  constants.delta = errors.delta;
  constants.eps = errors.eps;
  return constants;
}

}  // namespace gradquake::verification
