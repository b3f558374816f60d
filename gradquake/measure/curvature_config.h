// monitor.curvature: when and how the Hessian's ends are measured (docs/theory.md 4).
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::measure {

enum class CurvatureSteps { kLog2, kListed, kInterval };
enum class CurvatureOnSpike { kNone, kFirst };  // kFirst: of an episode

struct CurvatureConfig {
  CurvatureSteps at = CurvatureSteps::kLog2;  // 0, 16, 32, 64, ...
  std::vector<std::int64_t> steps;            // at: [..]
  std::int64_t interval = 0;                  // at: {interval}; 0: never
  CurvatureOnSpike on_spike = CurvatureOnSpike::kFirst;
  int limit = 20;            // most Hessian-vector products a measurement
  std::int64_t probe = 512;  // samples of the fixed probe set
  double tolerance = 1e-3;   // of the largest |eigenvalue|, relative

  bool due(std::int64_t step) const;
  bool measures() const;  // at some step, or at spikes
};

GRADQUAKE_EXPORT CurvatureConfig read_curvature(config::Reader reader);

}  // namespace gradquake::measure

template <>
struct gradquake::EnumTexts<gradquake::measure::CurvatureOnSpike> {
  using CurvatureOnSpike = gradquake::measure::CurvatureOnSpike;
  static constexpr std::array<std::pair<CurvatureOnSpike, const char*>, 2> table = {
      {{CurvatureOnSpike::kNone, "none"}, {CurvatureOnSpike::kFirst, "first"}}};
};
