#include "gradquake/data/registry.h"

#include <exception>

#include "gradquake/core/error.h"
#include "gradquake/data/kinds/datasets.h"

namespace gradquake::data {

Registry<DatasetFactory>& datasets() {
  static Registry<DatasetFactory> registry(
      "data", {kinds::digits(), kinds::idx(), kinds::libsvm(), kinds::npy(), kinds::safetensors(), kinds::text(),
               kinds::synthetic_logistic(), kinds::synthetic_linear()});
  return registry;
}

DataSplits load_data(const DataConfig& config, std::uint64_t run_seed, at::ScalarType dtype) {
  DataSplits splits;
  try {
    const KindSpec spec = datasets().complete(config.spec);
    splits = datasets().factory(spec.kind)({spec, run_seed, dtype});
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError("data", "kind '" + config.spec.kind + "': " + error.what());
  }
  if (!splits.train || !splits.test)
    throw UserError("data", "expected train and test data from the factory of '" + config.spec.kind + "', got none");
  return splits;
}

}  // namespace gradquake::data
