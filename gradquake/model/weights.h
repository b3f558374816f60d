// weights.pt: a module's parameters and buffers by their dotted names, in a file that Python reads:
//
//   torch.jit.load("weights.pt").state_dict()
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

// Copies the file's tensors into the module, converting the dtype. Throws UserError, the module unchanged, when the
// file is missing or damaged, or names, number or shapes of its tensors differ from the module's.
GRADQUAKE_EXPORT void load_weights(const std::string& path, torch::nn::Module& module);

}  // namespace gradquake::model
