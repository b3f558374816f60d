// `gradquake reproduce paper`: section 7 of arXiv 2602.20646 in full, or one figure of it, into a folder:
//   figure3.csv .. figure8.csv, standard.csv   tidy, one run a row: regularizer, rho, direction, biased, draw, sigma,
//                                              gamma, interval, seed, stable_grad_norm, stable_iteration, final_loss
//   figure3_trajectories.csv                   the EWMA of ||grad f(w_t)|| at steps evenly spaced in ln t
//   coupled.csv, table1.csv                    the same columns, with steps and mean_squared_norm, late_loss
//   claims.json                                settings, figures of the machine, and the claims with their verdicts
//   claims.md                                  the same as tables, with the levels of each figure
//   runs.jsonl                                 every finished run: what a second start finds and does not make again
// Files but runs.jsonl appear by renaming.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/claims.h"
#include "gradquake/paper/executor.h"
#include "gradquake/paper/settings.h"

namespace gradquake::paper {

struct Reproduction {
  std::vector<Claim> claims;
  ExecutorResult work;  // of this process
};

// `figure`: 3 .. 8, or all figures, sweeps and the appendix. The claims judged are those whose runs are there. Throws
// UserError on another figure and where `out` cannot be written.
GRADQUAKE_EXPORT Reproduction reproduce(const Settings& settings, std::optional<int> figure,
                                        const std::filesystem::path& out,
                                        const std::function<void(const ExecutorProgress&)>& progress);

}  // namespace gradquake::paper
