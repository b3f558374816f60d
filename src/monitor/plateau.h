// Tells a plateau from a slow recovery: over the last `plateau_window` known values, all in a row and out of band, the
// least-squares lines through the smoothed norm e and the smoothed loss l both change by less than 10 % of their means.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace gradquake::monitor {

// |slope| (size - 1) < 0.1 |mean| of the least-squares line through the values (x = 0, 1, ...), or exactly level.
// `first`: where the ring's oldest value lies.
bool is_flat(const std::vector<double>& ring, std::size_t first);

class Plateau {
 public:
  explicit Plateau(int window) : window_(static_cast<std::size_t>(window)) {}

  void enter(double smoothed_norm, double smoothed_loss);  // a known value out of band
  void clear();                                            // a known value in band
  bool reached() const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  std::size_t window_;
  std::size_t oldest_ = 0;
  std::vector<double> norms_;
  std::vector<double> losses_;
};

}  // namespace gradquake::monitor
