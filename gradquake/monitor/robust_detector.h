// Spikes seen in the gradient norm alone, without a shadow pass.
//
//   score = (ln n - median) / (1.4826 max(MAD, 0.02)),  n = ||u~ + r||
//
// with median and MAD of ln n over the window before the step, once `warmup` values have been seen. Upward only. A
// value is scored before it enters, and every finite n > 0 enters, so that no spike masks the next one and no single
// value poisons the window for good. n = 0 has no score.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "gradquake/monitor/config.h"
#include "gradquake/monitor/window.h"

namespace gradquake::monitor {

class RobustDetector {
 public:
  explicit RobustDetector(const SpikeConfig& config);

  std::optional<double> score(double norm) const;  // null: warming up, or norm not finite and positive
  void enter(double norm);                         // ignores what is not finite and positive
  static bool takes(double norm);                  // finite and positive

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  std::int64_t warmup_;
  std::int64_t seen_ = 0;
  Window log_norms_;
};

}  // namespace gradquake::monitor
