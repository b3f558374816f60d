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

struct CompareConfig {
  std::string sites = "*";
  std::vector<std::int64_t> at = {0};  // ascending
  double share = 0.1;
  Sampling screen = {};              // vectors of random signs: number k meets batch k mod batches
  std::vector<KindSpec> kinds = {};  // complete, each with a scale that can be relative to the RMS
  std::vector<double> relative_sizes = {0.01, 0.03, 0.1};  // ascending
  Sampling probe = {.most = 16, .width = 0.1};             // pairs of draws a batch and cell
};

// Throws UserError with the place of the first mistake.
GRADQUAKE_EXPORT CompareConfig read_compare(config::Reader reader);

}  // namespace gradquake::compare
