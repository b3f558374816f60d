// Which layer a spike sits in: the one with the largest relative gradient error ||u~_i - u_i|| / ||u_i + r_i||, without
// a shadow (or where no rule fired) the one whose own norm has the largest robust score.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/ring.h"

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
  // A layer's norms are kept as they come, and ranked only where a spike asks: every step pays one store a layer.
  struct Past {
    explicit Past(int window) : norms(window) {}
    Ring norms;
    std::int64_t seen = 0;
  };
  std::optional<double> score(const Past& past, double norm) const;

  SpikeConfig config_;
  std::vector<std::string> layers_;
  std::vector<Past> past_;  // one a layer
};

}  // namespace gradquake::monitor
