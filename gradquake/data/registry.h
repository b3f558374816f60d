// From a config to data. The table of kinds is explicit; a user's program adds to it before it reads a config:
//
//   gradquake::data::register_dataset("two_moons", [](const DatasetRequest& request) {
//     const double noise = request.config.parameters.at("noise");
//     return DataSplits{...};
//   }, {"noise"});
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/data/data_config.h"
#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"

namespace gradquake::data {

struct DatasetRequest {
  const DataConfig& config;
  std::uint64_t run_seed;  // derive what is random from named_seed(run_seed, ...), core/seeds.h
  at::ScalarType dtype;    // of the inputs
};

using DatasetFactory = std::function<DataSplits(const DatasetRequest&)>;

// `parameter_names`: the keys under `data:` that the kind takes beside path, batch_size and micro_batch; each a
// required number, handed over in DataConfig::parameters. Throws UserError when the kind exists already.
GRADQUAKE_EXPORT void register_dataset(std::string kind, DatasetFactory factory,
                                       std::vector<std::string> parameter_names = {});
GRADQUAKE_EXPORT std::vector<std::string> dataset_kinds();
GRADQUAKE_EXPORT std::vector<std::string> dataset_parameters(const std::string& kind);

// Reads or makes the data. Throws UserError, naming file and line or byte, where a file is missing or damaged.
GRADQUAKE_EXPORT DataSplits load_data(const DataConfig& config, std::uint64_t run_seed, at::ScalarType dtype);

}  // namespace gradquake::data
