#include "gradquake/model/weights.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/module.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"

namespace gradquake::model {
namespace {

// A copy of its own, so that the archive holds neither the rest of a larger storage nor two names for one.
at::Tensor stored(const at::Tensor& tensor) { return tensor.detach().cpu().contiguous().clone(); }

// Type names are numbered within `unit` and so depend on the module's structure alone.
torch::jit::Module script_of(const torch::nn::Module& module,
                             const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module script(c10::QualifiedName("__torch__.Weights"), unit, /*shouldMangle=*/true);
  for (const auto& parameter : module.named_parameters(/*recurse=*/false))
    script.register_parameter(parameter.key(), stored(parameter.value()), /*is_buffer=*/false);
  for (const auto& buffer : module.named_buffers(/*recurse=*/false))
    script.register_parameter(buffer.key(), stored(buffer.value()), /*is_buffer=*/true);
  for (const auto& child : module.named_children())
    script.register_module(child.key(), script_of(*child.value(), unit));
  return script;
}

using NamedTensors = std::map<std::string, at::Tensor>;

NamedTensors tensors_of(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& parameter : module.named_parameters()) tensors[parameter.key()] = parameter.value();
  for (const auto& buffer : module.named_buffers()) tensors[buffer.key()] = buffer.value();
  return tensors;
}

NamedTensors tensors_of(const std::string& path) {
  if (!std::filesystem::is_regular_file(path))
    throw UserError("model", "expected a weights file at '" + path + "', got none");
  try {
    const auto script = torch::jit::load(path, at::kCPU);
    NamedTensors tensors;
    for (const auto& parameter : script.named_parameters()) tensors[parameter.name] = parameter.value;
    for (const auto& buffer : script.named_buffers()) tensors[buffer.name] = buffer.value;
    return tensors;
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    throw UserError("model",
                    path + ": expected weights that torch.jit.load reads, got: " + reason.substr(0, reason.find('\n')));
  }
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
  // Through a stream: saved to a path, the archive would carry the file's name.
  std::ostringstream bytes;
  script_of(module, std::make_shared<torch::jit::CompilationUnit>()).save(bytes);
  write_file("model", path, bytes.str());
}

void load_weights(const std::string& path, torch::nn::Module& module) {
  const NamedTensors given = tensors_of(path), wanted = tensors_of(module);
  expect_fitting(path, given, wanted);
  const c10::AutoGradMode no_grad(false);
  for (const auto& [name, tensor] : wanted) at::Tensor(tensor).copy_(given.at(name));
}

}  // namespace gradquake::model
