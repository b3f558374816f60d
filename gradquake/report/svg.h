// The picture of a run: loss and gradient norm over the steps, on logarithmic axes, the clean ones in front of those it
// was trained on, and every spike as a mark whose shape is its verdict.
//
//   std::ofstream("run.svg") << run_svg({"digits-mlp", "recovered: 36 spikes", read_curves(steps),
//   read_records<SpikeRecord>(spikes)});
//
// One SVG file with no script, font or link in it; light or dark as the reader's system asks. Equal records give equal
// bytes. It stays below 60 KB however long the run: a column of two pixels shows the lowest and the highest of its
// steps, and of more than kMostMarks spikes those that share four pixels and a verdict share a mark, the highest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/report/curves.h"

namespace gradquake::report {

inline constexpr std::size_t kMostMarks = 150;

struct RunPicture {
  std::string title;
  std::string subtitle;
  Curves curves;
  std::vector<SpikeRecord> spikes;  // in order of step
};

GRADQUAKE_EXPORT std::string run_svg(const RunPicture& picture);

}  // namespace gradquake::report
