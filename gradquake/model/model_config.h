// The `model:` section of a run's config: the kind with its parameters, and `weights`, which every kind has.
#pragma once

#include <optional>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::model {

struct ModelConfig {
  KindSpec spec = "mlp";               // of models(), registry.h
  std::optional<std::string> weights;  // a weights file to start from (weights.h)
};

// Reads the section and closes it: a key that is unknown, or that the kind does not have, is a UserError with its
// place.
GRADQUAKE_EXPORT ModelConfig read_model(config::Reader& reader);

}  // namespace gradquake::model
