// TorchScript with sites: a copy of a module's forward, everything it calls inlined, and a tap behind the output of
// each module. The module itself stays as it is. Internal to model/script/.
//
//   blocks.0.fc1      what blocks.0.fc1.forward returned, by the path from the module on
//   lstm.0, lstm.1    where it returned a tuple, the tensors in it
//   blocks.0.fc1:input    what it was given (hooks/sites/operator_tap.h); `:input.1` the second of several tensors
//
// An instance has its own name although instances share their class's code, because the taps go into the inlined copy.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>
#include <vector>

namespace gradquake::model::script {

struct TappedGraph {
  std::shared_ptr<torch::jit::Graph> graph;
  std::vector<std::string> notes;  // calls that no path leads to, whose outputs are no sites
};

// `addressed`: dropout draws its masks from the site's address (hooks/dropout.h), not from LibTorch's generator.
TappedGraph tapped_forward(const torch::jit::Module& module, bool addressed);

// Sets the flags that a trace has fixed for training (batch-norm, dropout) to evaluation; whether there were any.
bool fix_for_evaluation(torch::jit::Graph& graph);

}  // namespace gradquake::model::script
