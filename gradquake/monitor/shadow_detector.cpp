#include "gradquake/monitor/shadow_detector.h"

#include <algorithm>
#include <cmath>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {

ShadowDetector::ShadowDetector(const SpikeConfig& config) : ratio_(config.shadow_ratio), clean_norms_(config.window) {}

bool ShadowDetector::detects(const StepRecord& record) const {
  if (!record.grad_error || !record.clean_grad_norm || !std::isfinite(*record.clean_grad_norm)) return false;
  if (!(*record.grad_error > 0)) return false;
  const double floor = clean_norms_.empty() ? 0 : 0.1 * clean_norms_.median();
  return *record.grad_error >= ratio_ * std::max(*record.clean_grad_norm, floor);
}

nlohmann::json ShadowDetector::save() const { return clean_norms_.save(); }

void ShadowDetector::restore(const nlohmann::json& state) { clean_norms_.restore(state); }

}  // namespace gradquake::monitor
