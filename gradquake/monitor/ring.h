// The last `capacity` values in their order of arrival. A push costs one store.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

namespace gradquake::monitor {

class Ring {
 public:
  explicit Ring(int capacity) : capacity_(static_cast<std::size_t>(capacity)) {}

  // The value that left a full ring, if one did.
  std::optional<double> push(double value);
  void clear();

  std::size_t size() const { return values_.size(); }
  bool full() const { return values_.size() == capacity_; }
  double operator[](std::size_t i) const { return values_[(oldest_ + i) % values_.size()]; }  // 0: the oldest

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  std::size_t capacity_;
  std::size_t oldest_ = 0;  // stays 0 until the ring is full
  std::vector<double> values_;
};

}  // namespace gradquake::monitor
