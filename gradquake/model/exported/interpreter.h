// Carries a graph out: one call of LibTorch's dispatcher a node, with autograd recording it as it records hand-written
// code. At one thread, loss, gradients and buffers are bitwise those of Python's torch.export.load(...).module().
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gradquake/model/exported/program.h"

namespace gradquake::model::exported {

// `inputs`: one an Input of the program, of its dtype and sizes. `training`: flags of dropout and batch-norm as
// exported; else off. Returns the program's outputs, undefined where one is None; the sites are tapped on the way.
// Throws UserError, naming input or node, where an input does not fit or an operator fails.
std::vector<at::Tensor> carry_out(const Program& program, const std::vector<at::Tensor>& inputs, bool training);

}  // namespace gradquake::model::exported
