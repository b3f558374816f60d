// Which layer a spike sits in: the one with the largest relative gradient error ||u~_i - u_i|| / ||u_i + r_i||, without
// a shadow (or where no rule fired) the one whose own norm has the largest robust score.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/robust_detector.h"

namespace gradquake::monitor {

class LayerScores {
 public:
  LayerScores(const SpikeConfig& config, std::vector<std::string> layers);

  // The layer's name; empty where the norms cannot tell. Ask before this step's norms enter.
  std::string worst(const LayerNorms& norms) const;
  // Throws UserError where a list has neither no entry nor one per layer.
  void enter(const LayerNorms& norms);

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  std::vector<std::string> layers_;
  std::vector<RobustDetector> detectors_;  // one a layer
};

}  // namespace gradquake::monitor
