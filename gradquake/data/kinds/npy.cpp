#include "gradquake/data/npy.h"

#include <filesystem>

#include "gradquake/core/error.h"
#include "gradquake/data/kinds/named_tensors.h"

namespace gradquake::data::kinds {
namespace {

// <split>_NAME.npy of a folder, by NAME.
NamedTensors arrays_of(const std::filesystem::path& folder, const std::string& split) {
  NamedTensors arrays;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(split + "_") || entry.path().extension() != ".npy") continue;
    arrays[name.substr(split.size() + 1, name.size() - split.size() - 5)] = read_npy(entry.path().string());
  }
  return arrays;
}

DataSplits load_npy(const DatasetRequest& request) {
  const std::string& path = request.spec.text("path");
  if (!std::filesystem::is_directory(path))
    throw UserError("data", "expected a folder of train_input.npy, train_target.npy, ... at '" + path + "', got none");
  const NamedTensors train = arrays_of(path, "train"), test = arrays_of(path, "test");
  if (train.empty()) throw UserError("data", path + ": expected train_input.npy and train_target.npy, got neither");
  return splits_of(path, train, test.empty() ? std::nullopt : std::optional(test), request);
}

}  // namespace

DatasetKind npy() {
  DatasetKind kind{{.name = "npy",
                    .summary = "numpy files: train_input.npy, train_target.npy, and test_... where there are some",
                    .parameters = {Parameter::path("path", "a folder of files train_NAME.npy and test_NAME.npy")}},
                   load_npy};
  for (Parameter& one : named_tensor_parameters()) kind.first.parameters.push_back(std::move(one));
  return kind;
}

}  // namespace gradquake::data::kinds
