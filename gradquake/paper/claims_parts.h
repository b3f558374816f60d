// What the claims share: levels from the store, rows, verdicts. Internal to claims*.cpp.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/paper/claims.h"
#include "gradquake/paper/run_lists.h"

namespace gradquake::paper {

inline constexpr std::array kDraws = {DrawMode::kPerStep, DrawMode::kPerSample};

class Levels {
 public:
  Levels(const Settings& settings, const RunStore& store);

  const Settings& settings() const { return settings_; }
  const std::vector<double>& fitted() const { return fitted_; }  // gammas, ascending
  double smallest_gamma() const { return fitted_.front(); }

  bool has(RunSpec panel) const;  // for every seed and step size
  const RunRecord& at(RunSpec panel, double gamma, std::int64_t seed) const;
  double level(const RunSpec& panel, double gamma, std::int64_t seed) const {
    return at(panel, gamma, seed).stable_grad_norm;
  }
  std::vector<double> fitted_levels(const RunSpec& panel, std::int64_t seed) const;

  Estimate over_seeds(const std::function<double(std::int64_t)>& of_seed) const;
  Estimate exponent(const RunSpec& panel) const;  // of n in gamma
  Estimate plateau(const RunSpec& panel) const;   // P
  double plateau_of(const RunSpec& panel, std::int64_t seed) const;

 private:
  const Settings& settings_;
  const RunStore& store_;
  std::vector<double> fitted_;
};

RunSpec panel_of(const Settings& settings, const Regularizer& regularizer, Direction direction, DrawMode draw,
                 double sigma);
std::string place_of(const RunSpec& panel, bool with_sigma = true);

// holds: all rows agree; fails: none does; else "holds only if ..." names the rows that do not.
std::string verdict_of(const std::vector<ClaimRow>& rows);

std::vector<Claim> frequent_claims(const Levels& levels);                            // a, b, c
std::vector<Claim> biased_claims(const Levels& levels);                              // d
std::vector<Claim> intermittent_claims(const Levels& levels);                        // e
std::vector<Claim> convex_claims(const Levels& levels);                              // f
std::vector<Claim> coupled_claims(const Settings& settings, const RunStore& store);  // g
std::vector<Claim> table1_claims(const Settings& settings, const RunStore& store);   // h
std::vector<Claim> appendix_claims();                                                // i

// Shared by e and f.
std::vector<ClaimRow> intermittent_rows(const Levels& levels, const Regularizer& regularizer);
std::vector<ClaimRow> falling_rows(const Levels& levels, const std::vector<RunSpec>& panels);
std::vector<ClaimRow> plateau_rows(const Levels& levels, const Regularizer& regularizer);
std::string plateau_reach(const Levels& levels, const Regularizer& regularizer);

}  // namespace gradquake::paper
