// Which rules may have caused a spike: those that fired at its step or at the 5 before.
//
// One entry for each rule, site and direction, at its latest firing; norm = root of the sum of squares over that step's
// occurrences of the site. Nearest first, then the larger norm; at most kMostCauses entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "gradquake/core/records.h"

namespace gradquake::monitor {

inline constexpr std::int64_t kCauseSteps = 5;
inline constexpr std::size_t kMostCauses = 16;

class RecentCauses {
 public:
  void observe(const StepRecord& record);  // every step, in order
  std::vector<SpikeCause> at(std::int64_t step) const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  struct Fired {
    std::int64_t step = 0;
    std::vector<SpikeCause> causes;
  };
  std::deque<Fired> fired_;  // oldest first, nothing older than kCauseSteps
};

}  // namespace gradquake::monitor
