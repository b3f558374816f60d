// Spikes seen by the shadow pass: the gradient error is as large as the clean gradient.
//
//   ||u~ - u|| > 0  and  ||u~ - u|| >= tau max(||u + r||, 0.1 median)
//
// tau = shadow_ratio; median: of the known clean norms of the last `window` steps before this one, which keeps a nearly
// vanishing clean gradient from making a spike of everything. With an empty window ||u + r|| stands alone.
// Source: arXiv 2602.20646 section 6.3, where a spike is a step with ||u~ - u||^2 bounded away from 0.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "gradquake/core/records.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/window.h"

namespace gradquake::monitor {

class ShadowDetector {
 public:
  explicit ShadowDetector(const SpikeConfig& config);

  // Whether this step is a spike; false where no shadow ran. Judge a step before its norm enters.
  bool detects(const StepRecord& record) const;
  void enter(double clean_norm) { clean_norms_.push(clean_norm); }

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  double ratio_;
  Window clean_norms_;
};

}  // namespace gradquake::monitor
