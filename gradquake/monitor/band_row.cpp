#include "gradquake/monitor/band_row.h"

#include <nlohmann/json.hpp>

namespace gradquake::monitor {

void BandRow::observe(std::int64_t step, bool in_band) {
  if (recovery_steps()) return;
  if (!in_band) {
    left_ = true;
    count_ = 0;
    return;
  }
  if (count_ == 0) {
    first_ = step;
    spike_before_row_ = last_spike_;
  }
  ++count_;
}

std::optional<std::int64_t> BandRow::recovery_steps() const {
  if (count_ < hold_) return std::nullopt;
  return left_ ? first_ - spike_before_row_ : 0;
}

nlohmann::json BandRow::save() const {
  return {{"last_spike", last_spike_},
          {"first", first_},
          {"spike_before_row", spike_before_row_},
          {"count", count_},
          {"left", left_}};
}

void BandRow::restore(const nlohmann::json& state) {
  last_spike_ = state.at("last_spike").get<std::int64_t>();
  first_ = state.at("first").get<std::int64_t>();
  spike_before_row_ = state.at("spike_before_row").get<std::int64_t>();
  count_ = state.at("count").get<int>();
  left_ = state.at("left").get<bool>();
}

}  // namespace gradquake::monitor
