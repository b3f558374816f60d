#include "gradquake/monitor/robust_detector.h"

#include <algorithm>
#include <cmath>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

constexpr double kDeviationsPerMad = 1.4826;  // standard deviation / MAD of a normal distribution
constexpr double kSmallestMad = 0.02;         // a 2 % ripple of the norm is never a surprise

}  // namespace

RobustDetector::RobustDetector(const SpikeConfig& config) : warmup_(config.warmup), log_norms_(config.window) {}

bool RobustDetector::takes(double norm) { return std::isfinite(norm) && norm > 0; }

std::optional<double> RobustDetector::score(double norm) const {
  if (seen_ < warmup_ || !takes(norm)) return std::nullopt;
  return (std::log(norm) - log_norms_.median()) / (kDeviationsPerMad * std::max(log_norms_.mad(), kSmallestMad));
}

void RobustDetector::enter(double norm) {
  if (!takes(norm)) return;
  ++seen_;
  log_norms_.push(std::log(norm));
}

nlohmann::json RobustDetector::save() const { return {{"seen", seen_}, {"log_norms", log_norms_.save()}}; }

void RobustDetector::restore(const nlohmann::json& state) {
  seen_ = state.at("seen").get<std::int64_t>();
  log_norms_.restore(state.at("log_norms"));
}

}  // namespace gradquake::monitor
