// What became of a whole run: the worst of its episodes' verdicts, corrected by what the run itself lost or never
// learned.
//
// The order is none, recovered, open, plateau, collapsed, diverged.
//   * a run stopped as non-finite, with non-finite weights, or whose every step was skipped as non-finite, is diverged;
//   * progress_lost > 0.5 is at least collapsed;
//   * a run with a spike and l_0 - l_best < 0.1 l_0 never learned: at least plateau.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/monitor/progress.h"

namespace gradquake::monitor {

struct RunVerdict {
  std::string verdict = "none";  // none | recovered | open | plateau | collapsed | diverged
  std::optional<double> progress_lost;
  std::int64_t spikes = 0;
  std::int64_t episodes = 0;
};

// The later of the two in the order above. Throws UserError for a word that is not one of them.
GRADQUAKE_EXPORT std::string worse_verdict(const std::string& a, const std::string& b);

// `worst_episode`: the worst verdict of the episodes that count, "none" without one.
GRADQUAKE_EXPORT RunVerdict run_verdict(const std::string& worst_episode, std::int64_t spikes, std::int64_t episodes,
                                        const Progress& progress);

}  // namespace gradquake::monitor
