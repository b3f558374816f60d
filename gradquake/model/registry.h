// From a config to a network. The table of kinds is explicit; a user's program adds to it before it reads a config:
//
//   gradquake::model::register_model("two_towers", [](const ModelConfig& config, const ModelInput& input) {
//     return std::make_shared<TwoTowers>(input.sample, config.parameters.at("width"));
//   }, {"width"});
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/model/model_config.h"

namespace gradquake::model {

class Model;

// What the data offers: data::DataShape, restated here because models know no data sets.
struct ModelInput {
  std::vector<std::int64_t> sample;  // shape of one input, e.g. {64} or {1, 28, 28}
  std::int64_t classes = 0;          // 0: labels -1 / +1, one output
};

using ModelFactory = std::function<std::shared_ptr<Model>(const ModelConfig&, const ModelInput&)>;

// `parameter_names`: the keys under `model:` that the kind takes beside `weights`; each a required number, handed over
// in ModelConfig::parameters. Throws UserError when the kind exists already.
GRADQUAKE_EXPORT void register_model(std::string kind, ModelFactory factory,
                                     std::vector<std::string> parameter_names = {});
GRADQUAKE_EXPORT std::vector<std::string> model_kinds();
GRADQUAKE_EXPORT std::vector<std::string> model_parameters(const std::string& kind);

// The network, float32 on the CPU, in training mode; its initial weights depend on `seed` (named_seed(run_seed,
// "model.init")) and the config alone (in the last bit also on whether the processor fuses multiply and add), and
// torch's global generator is left as it was. Then `weights`, if given, are loaded. Throws UserError where the widths
// do not fit the data or the weights do not fit the network.
GRADQUAKE_EXPORT std::shared_ptr<Model> make_model(const ModelConfig& config, const ModelInput& input,
                                                   std::uint64_t seed);

}  // namespace gradquake::model
