// How large a run's perturbations were, site by site, as the theory states them: per sample, with conditional means.
//
// Sums over the steps at which a site was hit: E||delta||^2 = sum ||added||^2 / (hits * B) with B rows a batch, and the
// same weighted by each rule's share of the mean, mean^2 / (mean^2 + variance).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/theory/exponents.h"

namespace gradquake::measure {

// (E x)^2 / E x^2 of an element x of what a rule adds; 1, its bound, where the kind does not know its moments.
GRADQUAKE_EXPORT double mean_share(const KindSpec& perturbation);

class GRADQUAKE_EXPORT InjectionTotals {
 public:
  InjectionTotals(const std::vector<Rule>& rules, std::int64_t rows);

  void add(const StepRecord& record);

  theory::PerturbationSizes sizes() const;                // the largest over sites
  std::int64_t hits(const std::string& direction) const;  // sites and steps together
  bool zero_mean() const;                                 // every rule that fired has mean 0

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  struct Total {
    std::int64_t hits = 0;
    double squares = 0;  // of finite norms
    double mean_squares = 0;
  };
  std::map<std::string, double> shares_;  // by label
  double rows_;
  std::map<std::pair<std::string, std::string>, Total> totals_;  // by direction and site
};

}  // namespace gradquake::measure
