#include "gradquake/data/safetensors.h"

#include "gradquake/data/input_file.h"
#include "gradquake/data/kinds/named_tensors.h"

namespace gradquake::data::kinds {
namespace {

NamedTensors tensors_of(const std::string& path) {
  std::string bytes;
  InputFile file(path);
  for (auto part = file.read(1 << 24); !part.empty(); part = file.read(1 << 24)) bytes.append(part.begin(), part.end());
  return parse_safetensors(bytes, path);
}

DataSplits load_safetensors(const DatasetRequest& request) {
  const std::string& path = request.spec.text("path");
  std::optional<NamedTensors> test;
  if (request.spec.has("test")) test = tensors_of(request.spec.text("test"));
  return splits_of(path, tensors_of(path), test, request);
}

}  // namespace

DatasetKind safetensors() {
  DatasetKind kind{{.name = "safetensors",
                    .summary = "a safetensors file with the tensors input and target, or more",
                    .parameters = {Parameter::path("path", "the file to train on"),
                                   Parameter::path("test", "the file to evaluate on; null: the first").or_null()}},
                   load_safetensors};
  for (Parameter& one : named_tensor_parameters()) kind.first.parameters.push_back(std::move(one));
  return kind;
}

}  // namespace gradquake::data::kinds
