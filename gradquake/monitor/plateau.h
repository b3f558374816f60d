// Tells a plateau from a slow recovery: over the last `plateau_window` known values, all in a row and out of band, the
// least-squares lines through the smoothed norm e and the smoothed loss l both change by less than 10 % of their means.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "gradquake/monitor/ring.h"

namespace gradquake::monitor {

// |slope| (size - 1) < 0.1 |mean| of the least-squares line through the values (x = 0, 1, ...), or exactly level.
bool is_flat(const Ring& values);

class Plateau {
 public:
  explicit Plateau(int window) : norms_(window), losses_(window) {}

  void enter(double smoothed_norm, double smoothed_loss);  // a known value out of band
  void clear();                                            // a known value in band
  bool reached() const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  Ring norms_;
  Ring losses_;
};

}  // namespace gradquake::monitor
