#include "gradquake/monitor/plateau.h"

#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>

namespace gradquake::monitor {
namespace {

constexpr double kLevelChange = 0.1;  // of the mean

}  // namespace

bool is_flat(const Ring& values) {
  // slope = sum (x - x_mean) y / sum (x - x_mean)^2, the denominator being n (n^2 - 1) / 12 for x = 0, 1, ..., n - 1.
  const double count = static_cast<double>(values.size());
  const double middle = (count - 1) / 2;
  double sum = 0;
  double moment = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    moment += (static_cast<double>(i) - middle) * values[i];
  }
  const double slope = moment / (count * (count * count - 1) / 12);
  const double change = std::abs(slope * (count - 1));
  return change == 0 || change < kLevelChange * std::abs(sum / count);
}

void Plateau::enter(double smoothed_norm, double smoothed_loss) {
  norms_.push(smoothed_norm);
  losses_.push(smoothed_loss);
}

void Plateau::clear() {
  norms_.clear();
  losses_.clear();
}

bool Plateau::reached() const { return norms_.full() && is_flat(losses_) && is_flat(norms_); }

nlohmann::json Plateau::save() const { return {{"norms", norms_.save()}, {"losses", losses_.save()}}; }

void Plateau::restore(const nlohmann::json& state) {
  norms_.restore(state.at("norms"));
  losses_.restore(state.at("losses"));
}

}  // namespace gradquake::monitor
