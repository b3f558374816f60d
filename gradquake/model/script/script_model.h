// A network that Python saved as TorchScript (torch.jit.script or trace), as a module. Deprecated in Python: export it
// where you can (exported/exported_model.h).
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "gradquake/model/model.h"

namespace gradquake::model::script {

class ScriptModel : public Model {
 public:
  // Throws UserError, naming the path, where the file cannot be read, has no `forward` of one tensor, or no parameters.
  // `addressed`: where the masks of dropout come from (tapped_graph.h).
  ScriptModel(const std::string& path, bool addressed);

  at::Tensor forward(const at::Tensor& input) override;
  std::vector<std::string> notes() const override { return notes_; }
  void train(bool on = true) override;
  void save_beside_weights(const std::string& folder) const override;  // model.pt

 private:
  void register_state();

  const std::string path_;
  torch::jit::Module script_;
  torch::jit::Function* training_ = nullptr;
  torch::jit::Function* evaluation_ = nullptr;  // differs where a trace has fixed the flags of training
  std::vector<std::string> notes_;
};

}  // namespace gradquake::model::script
