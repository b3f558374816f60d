// The paper's claims (a) to (i) of section 7, section 6 and the appendix, each with estimates over the seeds, and a
// verdict that follows from them by the rule that stands at the claim.
//
// Levels are stable gradient norms n. Exponents and fits use the step sizes <= kLargestFitted where there are three of
// them, for n^2 = P^2 + A gamma holds for gamma times curvature << 1 only.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/estimate.h"
#include "gradquake/paper/run_store.h"
#include "gradquake/paper/settings.h"

namespace gradquake::paper {

inline constexpr double kLargestFitted = 0.3;

struct ClaimRow {
  std::string what;   // "exponent of n in gamma"
  std::string where;  // "nonconvex 0.001, backward, per_step, sigma 2"
  Estimate estimate;
  std::optional<double> expected;
  bool agrees = false;
};

struct Claim {
  std::string id;
  std::string statement;
  std::string verdict;  // holds | fails | holds only if ...
  std::string reason;
  std::vector<ClaimRow> rows;  // the first is the claim's headline
};

// Claims whose runs are in the store; others are left out.
GRADQUAKE_EXPORT std::vector<Claim> judge_claims(const Settings& settings, const RunStore& store);

GRADQUAKE_EXPORT nlohmann::ordered_json claims_json(const std::vector<Claim>& claims);

}  // namespace gradquake::paper
