#include "gradquake/data/registry.h"

#include <utility>

#include "gradquake/core/kind_table.h"
#include "gradquake/data/kinds.h"

namespace gradquake::data {
namespace {

KindTable<DatasetFactory>& table() {
  static KindTable<DatasetFactory> instance("data", {{"digits", {load_digits, {}}},
                                                     {"idx", {load_idx, {}}},
                                                     {"libsvm", {load_libsvm, {}}},
                                                     {"synthetic_logistic", {load_synthetic_logistic, {}}}});
  return instance;
}

}  // namespace

void register_dataset(std::string kind, DatasetFactory factory, std::vector<std::string> parameter_names) {
  table().add(kind, std::move(factory), std::move(parameter_names));
}

std::vector<std::string> dataset_kinds() { return table().names(); }

std::vector<std::string> dataset_parameters(const std::string& kind) { return table().find(kind).parameter_names; }

DataSplits load_data(const DataConfig& config, std::uint64_t run_seed, at::ScalarType dtype) {
  return table().find(config.kind).factory({config, run_seed, dtype});
}

}  // namespace gradquake::data
