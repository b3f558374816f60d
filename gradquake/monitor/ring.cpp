#include "gradquake/monitor/ring.h"

#include <string>
#include <utility>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {

std::optional<double> Ring::push(double value) {
  if (!full()) {
    values_.push_back(value);
    return std::nullopt;
  }
  const double left = std::exchange(values_[oldest_], value);
  oldest_ = oldest_ + 1 == capacity_ ? 0 : oldest_ + 1;
  return left;
}

void Ring::clear() {
  values_.clear();
  oldest_ = 0;
}

nlohmann::json Ring::save() const {
  std::vector<double> in_order;
  for (std::size_t i = 0; i < size(); ++i) in_order.push_back((*this)[i]);
  return state::write(in_order);
}

void Ring::restore(const nlohmann::json& state) {
  auto values = state::read_doubles(state);
  if (values.size() > capacity_) {
    throw std::invalid_argument("expected at most " + std::to_string(capacity_) + " values, got " +
                                std::to_string(values.size()));
  }
  values_ = std::move(values);
  oldest_ = 0;
}

}  // namespace gradquake::monitor
