// compare: what `gradquake compare` looks at. A section of a run's config; train and the others pass it over.
//
//   compare:
//     sites: "*"                 # glob
//     at: [0, 200]               # steps of the run at whose weights it looks; or {run: FOLDER}, those of a finished
//     run share: 0.1                 # of the gradient's norm: how large its error may be screen: {batches: 16,
//     vectors: [4, 64], width: 0.2} kinds: [{kind: gaussian}, {kind: round, format: e4m3fn}] relative_sizes: [0.01,
//     0.03, 0.1] probe: {batches: 16, repeats: [4, 16], width: 0.1} one_out: true outcome: {steps: 500, seeds: [5, 30],
//     relative_size: 0.1} budget: {cost: 0.05, steps: 300, seeds: 6, burst: 1}    # given: a part of its own
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"

namespace gradquake::compare {

// How much is drawn: doubled from `least` until every interval is narrow enough, or `most` is reached.
struct Sampling {
  std::int64_t batches = 16;  // of the run's own size
  std::int64_t least = 4, most = 64;
  double width = 0.2;  // half that of an interval, relative to the estimate or its scale

  std::int64_t after(std::int64_t drawn) const { return std::min(2 * drawn, most); }
};

struct ComparedKind {
  KindSpec spec;      // complete
  std::string label;  // its name and what differs from the defaults
  // Its `scale` is set so that what it adds has an RMS of the relative sizes times the tensor's; `mean` is in units of
  // that scale. Else it comes as it is.
  bool sized = true;

  KindSpec at(double relative_size) const;
};

// Networks trained under each kind (outcome.h).
struct OutcomeConfig {
  std::int64_t steps = 500;
  std::int64_t least = 5, most = 30;  // seeds
  double relative_size = 0.1;         // of the kinds that have one
};

// How much each site can take (budget.h).
struct BudgetConfig {
  double cost = 0.05;  // relative rise of the evaluation loss
  std::int64_t steps = 300;
  std::int64_t seeds = 6;  // networks a size
  double burst = 1;        // relative size of the perturbation whose interval is asked for
};

struct CompareConfig {
  std::string sites = "*";
  std::vector<std::int64_t> at = {0};  // ascending
  std::string at_run = {};             // the folder of a finished run, whose weights are looked at; empty: `at`
  double share = 0.1;
  Sampling screen = {};  // vectors of random signs: number k meets batch k mod batches
  std::vector<ComparedKind> kinds = {};
  std::vector<double> relative_sizes = {0.01, 0.03, 0.1};  // ascending
  OutcomeConfig outcome = {};
  BudgetConfig budget = {};
  bool has_budget = false;  // the config gives one
  bool one_out = true;      // the probe also leaves each site out of all
  bool bound = false;  // the probe's amplifications are held against Theorem 1 (bound_ratio.h): may take longer than it
  Sampling probe = {.most = 16, .width = 0.1};  // draws a batch and cell, or pairs of them
};

// Throws UserError with the place of the first mistake.
GRADQUAKE_EXPORT CompareConfig read_compare(config::Reader reader);

}  // namespace gradquake::compare
