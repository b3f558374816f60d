// Products with the Jacobian J = df/dx of a function and with its transpose, on one retained graph.
//
// J' u is a backward pass (VJP). J v is the gradient of <J' u, v> with respect to a dummy u (double VJP), which works
// for every operator that is differentiable twice; forward mode is missing for several of LibTorch's. Taps are off in
// all of it. The inputs must not change while the operator lives.
//
//   JacobianOperator jacobian([&] { return layer->forward(x); }, {x});
//   const at::Tensor change = jacobian.jvp({direction});
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::curvature {

class GRADQUAKE_EXPORT JacobianOperator {
 public:
  // Throws UserError for no inputs or one that does not require a gradient.
  JacobianOperator(const std::function<at::Tensor()>& f, std::vector<at::Tensor> inputs);

  // J v, shaped like the output; v: one tensor an input, shaped like it.
  at::Tensor jvp(const std::vector<at::Tensor>& v) const;

  // J' u, one tensor an input, zeros where the output does not depend on it; u: shaped like the output.
  std::vector<at::Tensor> vjp(const at::Tensor& u) const;

  at::Tensor output() const { return output_.detach(); }  // f(x)
  const std::vector<at::Tensor>& inputs() const { return inputs_; }

 private:
  std::vector<at::Tensor> inputs_;
  at::Tensor output_;
  at::Tensor dummy_;                   // u, at which J' u is built; J v does not depend on its value
  std::vector<at::Tensor> transpose_;  // J' u with its graph back to u; undefined where f does not depend on the input
};

}  // namespace gradquake::curvature
