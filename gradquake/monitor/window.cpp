#include "gradquake/monitor/window.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace gradquake::monitor {

void Window::push(double value) {
  if (const auto left = ring_.push(value)) sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), *left));
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
}

double Window::median() const {
  const std::size_t middle = sorted_.size() / 2;
  return sorted_.size() % 2 == 1 ? sorted_[middle] : std::midpoint(sorted_[middle - 1], sorted_[middle]);
}

double Window::mad() const {
  // Deviations grow outwards from the median on both sides: merge the two sides up to the middle of all deviations.
  const double center = median();
  auto right = std::lower_bound(sorted_.begin(), sorted_.end(), center);
  auto left = std::make_reverse_iterator(right);
  double below = 0;
  double deviation = 0;
  for (std::size_t taken = 0; taken <= sorted_.size() / 2; ++taken) {
    below = deviation;
    const bool take_right = left == sorted_.rend() || (right != sorted_.end() && *right - center <= center - *left);
    deviation = take_right ? *right++ - center : center - *left++;
  }
  return sorted_.size() % 2 == 1 ? deviation : std::midpoint(below, deviation);
}

nlohmann::json Window::save() const { return ring_.save(); }

void Window::restore(const nlohmann::json& state) {
  ring_.restore(state);
  sorted_.clear();
  for (std::size_t i = 0; i < ring_.size(); ++i) sorted_.push_back(ring_[i]);
  std::sort(sorted_.begin(), sorted_.end());
}

}  // namespace gradquake::monitor
