// The `model:` section of a run's config. A kind takes the keys listed for it, `kind` and `weights`; any other is an
// error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::model {

// conv 3x3 (stride 1, padding 1) -> batch-norm, if asked for -> relu -> 2x2 max pool, if asked for.
struct CnnBlock {
  std::int64_t channels = 16;  // output channels, >= 1
  bool batch_norm = false;
  bool pool = false;  // halves height and width
};

struct ModelConfig {
  std::string kind = "mlp";            // mlp | cnn | linear_chain | logistic, or a registered kind
  std::vector<std::int64_t> widths;    // mlp, linear_chain: input, hidden..., output features
  std::string activation = "relu";     // mlp: relu | tanh | gelu | sigmoid
  double dropout = 0.0;                // mlp: probability in [0, 1), after each hidden activation
  std::vector<CnnBlock> blocks;        // cnn: at least one
  std::int64_t depth = 0;              // linear_chain instead of widths: number of operators, square but for the last
  bool orthogonal = false;             // linear_chain: weights = factor * (semi-)orthogonal matrices
  double factor = 1.0;                 // linear_chain, orthogonal: every operator's factor c, > 0
  std::optional<std::string> weights;  // a weights.pt to start from (weights.h)
  std::map<std::string, double> parameters;  // of a registered kind
};

// Reads the section and closes it: a key that is unknown, or that the kind does not have, is a UserError with its
// place.
GRADQUAKE_EXPORT ModelConfig read_model(config::Reader& reader);

}  // namespace gradquake::model
