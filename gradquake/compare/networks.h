// Networks trained under rules, seed by seed, and what became of them: what the outcome and the budget are counted
// from.
//
// Those of a seed start from the same weights and meet the same batches, whatever their rules; the draws of rules with
// different labels are unrelated. A network is known by its name, seed and length, so that what an earlier call has
// trained is not trained again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/compare/work.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/run/run_config.h"

namespace gradquake::compare {

struct Network {
  std::string name;  // of its rules; "" without any
  std::uint64_t seed = 1;
  std::int64_t steps = 0;
  double first_loss = 0;   // evaluation loss before the first step
  double loss = 0;         // after the last one, taps off; where it diverged the limit below
  double served_loss = 0;  // the same with the forward rules on; as `loss` where there are none
  std::optional<double> accuracy = {};
  bool diverged = false;  // became non-finite, or its loss is above diverged_loss_factor times the first one: the limit
  std::int64_t spikes = 0;  // that the robust detector saw in its gradient norms
};

// One that is asked for: `rules` in place of the config's.
struct WantedNetwork {
  std::string name;
  std::uint64_t seed = 1;
  std::int64_t steps = 0;
  std::vector<Rule> rules = {};
};

class GRADQUAKE_EXPORT Networks {
 public:
  // Of this config; what is trained is done and kept by `work`, which outlives this. `tick`: how many of how many.
  Networks(run::RunConfig config, Work& work, std::function<void(std::size_t done, std::size_t all)> tick);

  // Those asked for, in their order: trained now where they are not there yet. Throws UserError.
  std::vector<Network> train(const std::vector<WantedNetwork>& wanted);

  // Everything that can be the caller's mistake, without training.
  void check(const WantedNetwork& wanted) const;

 private:
  run::RunConfig config_;
  Work& work_;
  std::function<void(std::size_t, std::size_t)> tick_;
};

// A network as JSON, and back.
GRADQUAKE_EXPORT nlohmann::ordered_json json_of(const Network& network);
GRADQUAKE_EXPORT Network network_of(const nlohmann::json& json);

// (l - l0) / l0: the evaluation loss over that of the same seed's network without rules.
GRADQUAKE_EXPORT std::vector<double> costs_of(const std::vector<Network>& networks, const std::vector<Network>& clean);

}  // namespace gradquake::compare
