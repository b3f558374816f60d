#include "gradquake/measure/curvature_config.h"

#include <algorithm>

#include "gradquake/config/enum_reader.h"
#include "gradquake/config/reader.h"

namespace gradquake::measure {

bool CurvatureConfig::due(std::int64_t step) const {
  if (at == CurvatureSteps::kListed) return std::find(steps.begin(), steps.end(), step) != steps.end();
  if (at == CurvatureSteps::kInterval) return interval > 0 && step % interval == 0;
  return step == 0 || (step >= 16 && (step & (step - 1)) == 0);
}

bool CurvatureConfig::measures() const {
  return on_spike != CurvatureOnSpike::kNone || at == CurvatureSteps::kLog2 || !steps.empty() || interval > 0;
}

CurvatureConfig read_curvature(config::Reader reader) {
  CurvatureConfig curvature;
  if (reader.is_list("at")) {
    curvature.at = CurvatureSteps::kListed;
    curvature.steps = reader.integers("at", {}, 0);
  } else if (reader.is_mapping("at")) {
    curvature.at = CurvatureSteps::kInterval;
    config::Reader at = reader.section("at");
    curvature.interval = at.integer("interval", 0, 0);
    at.finish();
  } else {
    reader.choice("at", "log2", {"log2"});
  }
  curvature.on_spike = config::read_enum(reader, "on_spike", curvature.on_spike);
  curvature.limit = static_cast<int>(reader.integer("limit", curvature.limit, 1, 1000));
  curvature.probe = reader.integer("probe", curvature.probe, 1);
  curvature.tolerance = reader.number("tolerance", curvature.tolerance,
                                      config::Range{.min = 0, .max = 1, .min_open = true, .max_open = true});
  reader.finish();
  return curvature;
}

}  // namespace gradquake::measure
