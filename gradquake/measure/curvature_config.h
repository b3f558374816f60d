// monitor.curvature: when and how the Hessian's ends are measured (docs/theory.md 4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::measure {

struct CurvatureConfig {
  std::string at = "log2";          // log2: steps 0, 16, 32, 64, ... | list | interval
  std::vector<std::int64_t> steps;  // at: [..]
  std::int64_t interval = 0;        // at: {interval}; 0: never
  std::string on_spike = "first";   // none | first (of an episode)
  int limit = 20;                   // most Hessian-vector products a measurement
  std::int64_t probe = 512;         // samples of the fixed probe set
  double tolerance = 1e-3;          // of the largest |eigenvalue|, relative

  bool due(std::int64_t step) const;
};

GRADQUAKE_EXPORT CurvatureConfig read_curvature(config::Reader reader);

}  // namespace gradquake::measure
