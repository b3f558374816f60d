#include "gradquake/model/registry.h"

#include <exception>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/module_state.h"
#include "gradquake/model/weights.h"

namespace gradquake::model {
Registry<ModelFactory>& models() {
  static Registry<ModelFactory> registry(
      "model", {kinds::mlp(), kinds::cnn(), kinds::resnet(), kinds::transformer(), kinds::lstm(), kinds::linear_chain(),
                kinds::logistic(), kinds::exported(), kinds::torchscript()});
  return registry;
}

Network make_network(const ModelConfig& config, const ModelInput& input, std::uint64_t seed) {
  const SeededGenerator generator(seed);
  Network network;
  try {
    const KindSpec spec = models().complete(config.spec);
    network = models().factory(spec.kind)(spec, input);
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError("model", "kind '" + config.spec.kind + "': " + error.what());
  }
  if (network.module == nullptr)
    throw UserError("model", "expected a model from the factory of '" + config.spec.kind + "', got none");
  if (config.weights) load_weights(*config.weights, *network.module);
  network.module->train();
  return network;
}

}  // namespace gradquake::model
