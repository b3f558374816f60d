// The `data:` section of a run's config.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::data {

struct DataConfig {
  std::string kind = "digits";              // digits | idx | libsvm | synthetic_logistic, or a registered kind
  std::string path;                         // idx: folder; libsvm: file; relative to the working directory
  std::int64_t batch_size = 64;             // samples an optimiser step; >= 1; at least the data set's size: full batch
  std::optional<std::int64_t> micro_batch;  // samples a forward pass (1 .. batch_size); absent: batch_size
  std::int64_t samples = 2000;              // M of synthetic_logistic, >= 1
  std::int64_t features = 10;               // d of synthetic_logistic, >= 1
  std::map<std::string, double> parameters;  // of a registered kind
};

// Reads the section and closes it: a key that is unknown, or that the kind does not have, is a UserError with its
// place. Touches no file.
GRADQUAKE_EXPORT DataConfig read_data(config::Reader& reader);

}  // namespace gradquake::data
