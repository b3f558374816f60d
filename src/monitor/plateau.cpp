#include "gradquake/monitor/plateau.h"

#include <cmath>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

constexpr double kLevelChange = 0.1;  // of the mean

void put(std::vector<double>& ring, std::size_t capacity, std::size_t oldest, double value) {
  if (ring.size() < capacity) {
    ring.push_back(value);
  } else {
    ring[oldest] = value;
  }
}

}  // namespace

bool is_flat(const std::vector<double>& ring, std::size_t first) {
  // slope = sum (x - x_mean) y / sum (x - x_mean)^2, the denominator being size (size^2 - 1) / 12 for x = 0, 1, ...
  const std::size_t size = ring.size();
  const double count = static_cast<double>(size);
  const double middle = (count - 1) / 2;
  double sum = 0;
  double moment = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double value = ring[(first + i) % size];
    sum += value;
    moment += (static_cast<double>(i) - middle) * value;
  }
  const double slope = moment / (count * (count * count - 1) / 12);
  const double change = std::abs(slope * (count - 1));
  return change == 0 || change < kLevelChange * std::abs(sum / count);
}

void Plateau::enter(double smoothed_norm, double smoothed_loss) {
  const bool full = norms_.size() == window_;
  put(norms_, window_, oldest_, smoothed_norm);
  put(losses_, window_, oldest_, smoothed_loss);
  if (full) oldest_ = (oldest_ + 1) % window_;
}

void Plateau::clear() {
  norms_.clear();
  losses_.clear();
  oldest_ = 0;
}

bool Plateau::reached() const {
  return norms_.size() == window_ && is_flat(losses_, oldest_) && is_flat(norms_, oldest_);
}

nlohmann::json Plateau::save() const {
  return {{"oldest", oldest_}, {"norms", state::write(norms_)}, {"losses", state::write(losses_)}};
}

void Plateau::restore(const nlohmann::json& state) {
  const auto oldest = state.at("oldest").get<std::size_t>();
  auto norms = state::read_doubles(state.at("norms"));
  auto losses = state::read_doubles(state.at("losses"));
  if (oldest >= window_ || norms.size() > window_ || norms.size() != losses.size()) {
    throw std::invalid_argument("expected at most " + std::to_string(window_) + " values out of band, got " +
                                std::to_string(norms.size()));
  }
  oldest_ = oldest;
  norms_ = std::move(norms);
  losses_ = std::move(losses);
}

}  // namespace gradquake::monitor
