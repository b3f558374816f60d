#include "gradquake/monitor/progress.h"

#include <algorithm>
#include <cmath>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

constexpr double kLeastProgress = 0.1;  // of the first loss

}  // namespace

void Progress::observe(double loss, double running_median) {
  if (!first_) first_ = loss;
  best_ = best_ ? std::min(*best_, running_median) : running_median;
  final_ = running_median;
}

std::optional<double> Progress::lost() const {
  if (!first_) return std::nullopt;
  const double learned = std::max(*first_ - *best_, kLeastProgress * std::abs(*first_));
  if (!(learned > 0)) return std::nullopt;
  return (*final_ - *best_) / learned;
}

bool Progress::learned() const { return first_ && *first_ - *best_ >= kLeastProgress * std::abs(*first_); }

nlohmann::json Progress::save() const {
  return {{"first", state::write(first_)}, {"best", state::write(best_)}, {"final", state::write(final_)}};
}

void Progress::restore(const nlohmann::json& state) {
  first_ = state::read_optional(state.at("first"));
  best_ = state::read_optional(state.at("best"));
  final_ = state::read_optional(state.at("final"));
}

}  // namespace gradquake::monitor
