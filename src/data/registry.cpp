#include "gradquake/data/registry.h"

#include <map>
#include <mutex>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/data/kinds.h"

namespace gradquake::data {
namespace {

struct Kind {
  DatasetFactory factory;
  std::vector<std::string> parameter_names;
};

struct Table {
  std::mutex mutex;
  std::map<std::string, Kind> kinds{{"digits", {load_digits, {}}},
                                    {"idx", {load_idx, {}}},
                                    {"libsvm", {load_libsvm, {}}},
                                    {"synthetic_logistic", {load_synthetic_logistic, {}}}};
};

Table& table() {
  static Table instance;
  return instance;
}

Kind find_kind(const std::string& kind) {
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  const auto found = known.kinds.find(kind);
  if (found != known.kinds.end()) return found->second;
  std::string names;
  for (const auto& [name, unused] : known.kinds) names += (names.empty() ? "" : ", ") + name;
  throw UserError("data", "expected a data kind of " + names + ", got '" + kind + "'");
}

}  // namespace

void register_dataset(std::string kind, DatasetFactory factory, std::vector<std::string> parameter_names) {
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  if (!known.kinds.emplace(kind, Kind{std::move(factory), std::move(parameter_names)}).second)
    throw UserError("data", "expected a new data kind, got '" + kind + "', which exists");
}

std::vector<std::string> dataset_kinds() {
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  std::vector<std::string> names;
  for (const auto& [name, unused] : known.kinds) names.push_back(name);
  return names;
}

std::vector<std::string> dataset_parameters(const std::string& kind) { return find_kind(kind).parameter_names; }

DataSplits load_data(const DataConfig& config, std::uint64_t run_seed, at::ScalarType dtype) {
  return find_kind(config.kind).factory({config, run_seed, dtype});
}

}  // namespace gradquake::data
