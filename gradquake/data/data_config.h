// The `data:` section of a run's config: the kind with its parameters, and how it is cut into batches.
#pragma once

#include <cstdint>
#include <optional>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::data {

struct DataConfig {
  KindSpec spec = "digits";                 // of datasets(), registry.h
  std::int64_t batch_size = 64;             // samples an optimiser step; >= 1; at least the data set's size: full batch
  std::optional<std::int64_t> micro_batch;  // samples a forward pass (1 .. batch_size); absent: batch_size
};

// Reads the section and closes it: a key that is unknown, or that the kind does not have, is a UserError with its
// place. Touches no file.
GRADQUAKE_EXPORT DataConfig read_data(config::Reader& reader);

}  // namespace gradquake::data
