#include "gradquake/monitor/window.h"

#include <algorithm>
#include <numeric>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {

Window::Window(int capacity) : capacity_(static_cast<std::size_t>(capacity)) {
  ring_.reserve(capacity_);
  sorted_.reserve(capacity_);
}

void Window::push(double value) {
  if (ring_.size() < capacity_) {
    ring_.push_back(value);
  } else {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), ring_[oldest_]));
    ring_[oldest_] = value;
    oldest_ = (oldest_ + 1) % capacity_;
  }
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

nlohmann::json Window::save() const {
  std::vector<double> values(ring_.begin() + static_cast<std::ptrdiff_t>(oldest_), ring_.end());
  values.insert(values.end(), ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(oldest_));
  return state::write(values);
}

void Window::restore(const nlohmann::json& state) {
  ring_.clear();
  sorted_.clear();
  oldest_ = 0;
  for (const double value : state::read_doubles(state)) push(value);
}

}  // namespace gradquake::monitor
