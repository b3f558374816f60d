// Counts known values in a row inside a band, and from that the steps to recover.
//
// After `hold` values in a row the spike is over, and steps = first of the row - last spike before it, or 0 if the band
// was never left. A spike within the row breaks nothing: a row counts values, and values that stay in the band show no
// harm.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace gradquake::monitor {

class BandRow {
 public:
  BandRow(int hold, std::int64_t spike_step) : hold_(hold), last_spike_(spike_step) {}

  void join(std::int64_t spike_step) { last_spike_ = spike_step; }
  void observe(std::int64_t step, bool in_band);

  // Steps to recover once the row is complete, null before.
  std::optional<std::int64_t> recovery_steps() const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  int hold_;
  std::int64_t last_spike_;
  std::int64_t first_ = 0;             // of the present row
  std::int64_t spike_before_row_ = 0;  // the last spike before first_
  int count_ = 0;
  bool left_ = false;
};

}  // namespace gradquake::monitor
