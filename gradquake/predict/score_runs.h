// The score of the predictions of many runs, group by group: every run folder below a given folder is one of its
// group.
//
//   {groups: [{folder, runs, spikes, verdicts: {recovered: n, ...}, local, displaced, bound}], total}
// with local, displaced and bound each {compared, both_zero, coverage, sharpness, within_2x, noise_floor,
// without_prediction, unobserved}: see theory/score.h. Scored are episodes of one spike, against
// gradient_recovery_steps; pairs where both are 0 (the spike did not leave the band and was predicted not to) are
// counted and left out of coverage, sharpness and within_2x, the share of pairs with (predicted + 1)/(observed + 1) in
// [1/2, 2].
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::predict {

// Throws UserError for a folder below which there is no run.
GRADQUAKE_EXPORT nlohmann::ordered_json score_runs(const std::vector<std::string>& folders);

// The same as a table for a terminal.
GRADQUAKE_EXPORT std::string score_table(const nlohmann::ordered_json& document);

}  // namespace gradquake::predict
