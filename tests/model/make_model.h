// A built-in network by its own class.
#pragma once

#include <memory>

#include "gradquake/model/registry.h"

namespace gradquake::model {

inline std::shared_ptr<Model> make_model(const ModelConfig& config, const ModelInput& input, std::uint64_t seed) {
  return std::dynamic_pointer_cast<Model>(make_network(config, input, seed).module);
}

}  // namespace gradquake::model
