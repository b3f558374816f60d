// From a config to a network. A user's program adds its kinds, any torch module, before it reads a config:
//
//   gradquake::model::models().add(
//       {"two_towers", "two towers on one input", {Parameter::integer("width", "of each tower").at_least(1)}},
//       [](const KindSpec& spec, const ModelInput& input) {
//         return std::make_shared<TwoTowers>(input.sample, spec.integer("width"));
//       });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"
#include "gradquake/model/model_config.h"
#include "gradquake/model/network.h"

namespace gradquake::model {

// What the data offers: data::DataShape, restated here because models know no data sets.
struct ModelInput {
  std::vector<std::int64_t> sample;  // shape of one input, e.g. {64} or {1, 28, 28}
  std::int64_t classes = 0;          // 0: labels -1 / +1, one output; or numbers
  std::int64_t numbers = 0;          // in a target of numbers (regression), one output each; 0: classes or labels
};

using ModelFactory = std::function<Network(const KindSpec&, const ModelInput&)>;
GRADQUAKE_EXPORT Registry<ModelFactory>& models();

// The network, float32 on the CPU, in training mode; its initial weights depend on `seed` (named_seed(run_seed,
// "model.init")) and the config alone (in the last bit also on whether the processor fuses multiply and add), and
// torch's global generator is left as it was. Then `weights`, if given, are loaded. Throws UserError where the widths
// do not fit the data or the weights do not fit the network, and, naming the kind, on whatever else a factory throws.
GRADQUAKE_EXPORT Network make_network(const ModelConfig& config, const ModelInput& input, std::uint64_t seed);

}  // namespace gradquake::model
