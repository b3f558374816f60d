// weights.safetensors: a module's parameters and buffers by their dotted names, as PyTorch's state_dict() names them.
//
//   from safetensors.torch import load_file
//   module.load_state_dict(load_file("weights.safetensors"))
//
// Equal weights give equal bytes. Written aside, synced and renamed: the file is whole or absent after a crash.
#pragma once

#include <string>

#include "gradquake/hooks/export.h"

namespace torch::nn {
class Module;
}

namespace gradquake::model {

// Throws DiskError when the file cannot be written.
GRADQUAKE_EXPORT void save_weights(const std::string& path, const torch::nn::Module& module);

// Copies the file's tensors into the module, converting the dtype; a TorchScript archive (weights.pt of earlier
// versions) is read too. Throws UserError, the module unchanged, when the file is missing or damaged, or names, number
// or shapes of its tensors differ from the module's.
GRADQUAKE_EXPORT void load_weights(const std::string& path, torch::nn::Module& module);

}  // namespace gradquake::model
