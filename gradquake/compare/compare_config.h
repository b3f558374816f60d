// compare: what `gradquake compare` looks at. A section of a run's config; train and the others pass it over.
//
//   compare:
//     sites: "*"                 # glob
//     at: [0, 200]               # steps of the run at whose weights it looks
//     share: 0.1                 # of the gradient's norm: how large its error may be
//     screen: {batches: 16, vectors: [4, 64], width: 0.2}
//     kinds: [{kind: gaussian}]
//     relative_sizes: [0.01, 0.03, 0.1]
//     probe: {batches: 16, repeats: [4, 16], width: 0.1}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"

namespace gradquake::compare {

struct ScreenConfig {
  std::int64_t batches = 16;  // of the run's own size; vector k meets batch k mod batches
  // Vectors of random signs: the first, and the most. They are doubled until every interval is narrow enough.
  std::int64_t least = 4, most = 64;
  double width = 0.2;  // of an interval: (high - low) / (2 estimate), of the relative gradient error
};

struct ProbeConfig {
  std::int64_t batches = 16;          // of the run's own size, at least 2
  std::int64_t least = 4, most = 16;  // pairs of draws a batch and cell
  double width = 0.1;
};

struct CompareConfig {
  std::string sites = "*";
  std::vector<std::int64_t> at = {0};  // ascending
  double share = 0.1;
  ScreenConfig screen = {};
  std::vector<KindSpec> kinds = {};  // complete, each with a scale that can be relative to the RMS
  std::vector<double> relative_sizes = {0.01, 0.03, 0.1};  // ascending
  ProbeConfig probe = {};
};

// Throws UserError with the place of the first mistake.
GRADQUAKE_EXPORT CompareConfig read_compare(config::Reader reader);

}  // namespace gradquake::compare
