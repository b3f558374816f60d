#include "gradquake/model/script/script_model.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <filesystem>
#include <sstream>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/model/module_holder.h"
#include "gradquake/model/script/tapped_graph.h"

namespace gradquake::model::script {
namespace {

[[noreturn]] void refuse_script(const std::string& path, const std::string& message) {
  throw UserError("model", path + ": " + message);
}

torch::jit::Module read_script(const std::string& path) {
  if (!std::filesystem::is_regular_file(path))
    throw UserError("model", "expected a TorchScript file at '" + path + "', got no file");
  try {
    return torch::jit::load(path, at::kCPU);
  } catch (const std::exception& error) {
    refuse_script(path, "expected a TorchScript file, got one that cannot be read: " + detail::first_line(error));
  }
}

torch::jit::Function* add_method(const torch::jit::Module& module, const std::string& name,
                                 const std::shared_ptr<torch::jit::Graph>& graph) {
  const auto unit = module._ivalue()->compilation_unit();
  return unit->create_function(c10::QualifiedName(*module.type()->name(), name), graph);
}

}  // namespace

ScriptModel::ScriptModel(const std::string& path, bool addressed) : path_(path), script_(read_script(path)) {
  const auto forward = script_.find_method("forward");
  if (!forward) refuse_script(path_, "expected a module with a method 'forward', got one without");
  if (forward->num_inputs() != 2)
    refuse_script(path_, "expected a forward of one tensor, got one of " + std::to_string(forward->num_inputs() - 1) +
                             " arguments");
  register_state();
  if (parameters().empty())
    refuse_script(path_, "expected parameters to train, got none: it was frozen (torch.jit.freeze), save it before");
  TappedGraph tapped = tapped_forward(script_, addressed);
  notes_ = std::move(tapped.notes);
  const auto for_evaluation = tapped.graph->copy();
  const bool fixed = fix_for_evaluation(*for_evaluation);
  training_ = add_method(script_, "gradquake_forward", tapped.graph);
  evaluation_ = training_;
  if (fixed) {
    evaluation_ = add_method(script_, "gradquake_evaluate", for_evaluation);
    notes_.push_back("traced in training mode: its batch-norm and dropout are taken out of it for evaluation");
  }
}

void ScriptModel::register_state() {
  for (const auto& item : script_.named_parameters()) {
    const auto [holder, name] = holder_of(*this, item.name);
    holder->register_parameter(name, item.value, item.value.requires_grad());
  }
  for (const auto& item : script_.named_buffers()) {
    const auto [holder, name] = holder_of(*this, item.name);
    holder->register_buffer(name, item.value);
  }
}

at::Tensor ScriptModel::forward(const at::Tensor& input) {
  // Optimised graphs run operators where no hook sees them, and their second derivatives are wrong or never end.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  torch::jit::Stack stack{script_._ivalue(), input};
  try {
    (is_training() ? training_ : evaluation_)->run(stack);
  } catch (const c10::Error& error) {
    refuse_script(path_, "forward fails: " + detail::first_line(error));
  }
  if (!stack.back().isTensor())
    refuse_script(path_, "expected forward to return a tensor, got " + stack.back().tagKind());
  return stack.back().toTensor();
}

void ScriptModel::train(bool on) {
  Model::train(on);
  script_.train(on);
}

void ScriptModel::save_beside_weights(const std::string& folder) const {
  std::ostringstream bytes;
  script_.save(bytes);
  write_file("model", std::filesystem::path(folder) / "model.pt", bytes.str());
}

}  // namespace gradquake::model::script
