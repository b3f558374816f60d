#include "gradquake/model/weights.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/module.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/data/safetensors.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/model/model.h"

namespace gradquake::model {
namespace {

using data::NamedTensors;
using data::parse_safetensors;
using data::safetensors_bytes;

NamedTensors tensors_of(const torch::nn::Module& module) {
  const auto* const model = dynamic_cast<const Model*>(&module);
  NamedTensors tensors;
  const auto keep = [&](const auto& items) {
    for (const auto& item : items)
      if (!model || model->in_state_dict(item.key())) tensors[item.key()] = item.value();
  };
  keep(module.named_parameters());
  keep(module.named_buffers());
  return tensors;
}

// weights.pt of earlier versions, a TorchScript archive: a zip file.
bool is_archive(std::string_view bytes) { return bytes.substr(0, 4) == "PK\x03\x04"; }

NamedTensors tensors_of_archive(const std::string& bytes, const std::string& path) {
  try {
    std::istringstream stream(bytes);
    const auto script = torch::jit::load(stream, at::kCPU);
    NamedTensors tensors;
    for (const auto& parameter : script.named_parameters()) tensors[parameter.name] = parameter.value;
    for (const auto& buffer : script.named_buffers()) tensors[buffer.name] = buffer.value;
    return tensors;
  } catch (const std::exception& error) {
    throw UserError("model", path + ": expected weights that torch.jit.load reads, got: " + detail::first_line(error));
  }
}

NamedTensors tensors_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!std::filesystem::is_regular_file(path) || !file)
    throw UserError("model", "expected a weights file at '" + path + "', got none");
  std::ostringstream whole;
  whole << file.rdbuf();
  const std::string bytes = std::move(whole).str();
  return is_archive(bytes) ? tensors_of_archive(bytes, path) : parse_safetensors(bytes, path);
}

std::string shape_of(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

void expect_fitting(const std::string& path, const NamedTensors& given, const NamedTensors& wanted) {
  for (const auto& [name, tensor] : wanted) {
    const auto found = given.find(name);
    if (found == given.end()) throw UserError("model", path + ": expected a tensor '" + name + "', got none");
    if (found->second.sizes() != tensor.sizes())
      throw UserError("model", path + ": expected '" + name + "' of shape " + shape_of(tensor) + ", got " +
                                   shape_of(found->second));
    if (found->second.is_floating_point() != tensor.is_floating_point())
      throw UserError("model", path + ": expected '" + name + "' of type " + std::string(tensor.dtype().name()) +
                                   ", got " + std::string(found->second.dtype().name()));
  }
  for (const auto& [name, tensor] : given)
    if (wanted.count(name) == 0) throw UserError("model", path + ": expected no tensor '" + name + "', got one");
}

}  // namespace

void save_weights(const std::string& path, const torch::nn::Module& module) {
  write_file("model", path, safetensors_bytes(tensors_of(module)));
}

void load_weights(const std::string& path, torch::nn::Module& module) {
  const NamedTensors given = tensors_of_file(path), wanted = tensors_of(module);
  expect_fitting(path, given, wanted);
  const c10::AutoGradMode no_grad(false);
  for (const auto& [name, tensor] : wanted) at::Tensor(tensor).copy_(given.at(name));
}

}  // namespace gradquake::model
