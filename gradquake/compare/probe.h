// What perturbations of one site in one direction do to the gradient, measured: each cell (site, direction, kind, size)
// draws them on `batches` batches, weights fixed, and compares with the clean gradient of the same batch, dropout masks
// and all.
//
//   relative_error   sqrt(E||u~ - u||^2) / ||u||
//   amplification    E||u~ - u||^2 / E||delta||^2, or eps as stated per sample
//   bias_squared     ||E[u~ - u]||^2 / ||u||^2, E given the batch, both averaged over batches as in relative_error;
//                    the numerator is estimated without bias, so it may be negative
//   cosine           E cos(u~, u)
//   loss_change      E(l~ - l) / l
//   sqnr_db          10 log10(E||y||^2 / E||added||^2) at the site
//   one_out          (E2(all sites of the direction) - E2(all but this one)) / ||u||^2, E2 = E||u~ - u||^2, on the same
//                    draws: what it would save to leave this one alone. May be negative
//   rank             among the sites of the direction by relative_error; 1 is the worst (ranks.h)
//   exponent         slope of ln E||u~ - u||^2 against ln size, from three sizes on
//   kink             relative_error / (size * gain of the screen): above 1 where first order misses something. The size
//                    of a kind that comes as it is: what it was, sqrt(E||added||^2) / ||y||
//
// On the way back errors enter linearly: at one site they are B eps, from one backward pass below it (site_graph.h). On
// the way forward the operators before the site are not run again (hooks/sites/prefix.h).
//
// Symmetric noise (Chance in perturbation.h) comes in pairs (z, -z): what is added, and its negative. With the errors
// d = u~ - u and m = (d+ + d-)/2 of R pairs the bias is the U-statistic (||sum m||^2 - sum ||m||^2) / (R (R - 1)),
// which the odd part of the error does not disturb; for other random kinds the same with m = d; what owes nothing to
// chance is all bias, and comes once a batch. Intervals are over batches (clustered), 95 % (interval.h; how often they
// hold the truth: docs/compare.md). Repeats are doubled until each half-width is below `width` times the larger of the
// estimate and its scale, or the most is reached.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/interval.h"
#include "gradquake/compare/ranks.h"
#include "gradquake/compare/screen.h"
#include "gradquake/compare/work.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/train/task.h"

namespace gradquake::compare {

struct ProbeCell {
  std::string site;
  Direction direction = Direction::kForward;  // or kBackward
  std::string kind;                           // its label
  std::optional<double> relative_size;        // empty: the kind came as it is
  std::int64_t repeats = 0;                   // draws a batch, or pairs of them
  std::optional<Interval> relative_error, amplification, bias_squared, cosine, loss_change, sqnr_db, kink;
  std::optional<Interval> exponent;  // the same in every size of a site, direction and kind
  std::optional<Interval> one_out;
  std::optional<Interval> bound_ratio;  // set_bound_ratios (bound_ratio.h), if asked for; absent: see bound_reason
  std::string bound_reason;
  std::optional<Rank> rank;
  std::string reason;  // why there are none
};

// All sites of a direction at once, each with the draws it has alone.
struct Together {
  ProbeCell all;  // its site is ""
  // Of all at once over the sum of the sites alone: 1 where what they do adds up. Empty where the sum is not surely
  // another than 0.
  std::optional<Interval> squared_error, bias_squared, loss_change;
  // Of ln amplification against the number of the site, from four sites on: what a further layer multiplies it by.
  std::optional<Interval> depth_slope;
};

struct Probe {
  std::vector<ProbeCell> cells;    // sizes innermost, then kinds, then sites as the screen has them
  std::vector<Together> together;  // by kind, size and direction; empty where a direction has one site
  // Operators, forward and backward, that were run; and those that the draws need: what follows the site and the whole
  // way back for a forward draw, the way back below the site for a backward one, one clean pass a batch.
  std::int64_t run = 0, needed = 0;
};

// At the task's weights of now, which stay as they are. `sites`: whose cells, as the screen found them, whose gains the
// kink factor takes. Done and kept by `work`, under `name`; `tick`: parts done, of how many; empty: not.
GRADQUAKE_EXPORT Probe probe(const train::Task& task, const CompareConfig& config, const std::vector<SiteScreen>& sites,
                             const std::string& name, Work& work,
                             const std::function<void(std::size_t done, std::size_t all)>& tick = {});

}  // namespace gradquake::compare
