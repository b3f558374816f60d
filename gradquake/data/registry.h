// From a config to data. A user's program adds its kinds before it reads a config:
//
//   gradquake::data::datasets().add(
//       {"two_moons", "two half circles", {Parameter::number("noise", "its deviation").in(Range::non_negative())}},
//       [](const DatasetRequest& request) {
//         const double noise = request.spec.number("noise");
//         return DataSplits{...};
//       });
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/data/data_config.h"
#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"

namespace gradquake::data {

struct DatasetRequest {
  const KindSpec& spec;    // complete
  std::uint64_t run_seed;  // derive what is random from named_seed(run_seed, ...), core/seeds.h
  at::ScalarType dtype;    // of the inputs
};

using DatasetFactory = std::function<DataSplits(const DatasetRequest&)>;

GRADQUAKE_EXPORT Registry<DatasetFactory>& datasets();

// Reads or makes the data. Throws UserError, naming file and line or byte, where a file is missing or damaged, and,
// naming the kind, on whatever else a factory throws.
GRADQUAKE_EXPORT DataSplits load_data(const DataConfig& config, std::uint64_t run_seed, at::ScalarType dtype);

}  // namespace gradquake::data
