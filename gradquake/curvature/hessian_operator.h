// Products with the Hessian of a scalar loss, H v = d/dw <dl/dw, v>, by double backward.
//
// The loss is built once and its gradient graph kept, so that a product costs about as much as two backward passes and
// no forward. The parameters must not change while the operator lives (autograd then refuses: c10::Error naming the
// version). Parameters without a path to the loss have zero rows. At the kinks of ReLU it is the Hessian of the linear
// piece.
//
//   HessianOperator hessian(loss, model->parameters());
//   const auto product = hessian.apply(direction);   // one tensor a parameter, shaped like it
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::curvature {

// A scalar loss on a fixed probe set, built afresh at each call: data term, regulariser and weight decay, all
// differentiable twice.
using Loss = std::function<at::Tensor()>;

class GRADQUAKE_EXPORT HessianOperator {
 public:
  // Throws UserError for an empty list, a parameter that does not require a gradient, or a loss that is not one number.
  HessianOperator(const Loss& loss, std::vector<at::Tensor> parameters);

  // H v. Throws UserError where v does not match the parameters in number and shape.
  std::vector<at::Tensor> apply(const std::vector<at::Tensor>& v);

  // The same on one vector: the parameters' elements in order, [dimension()], of dtype().
  at::Tensor apply_flat(const at::Tensor& v);

  int products() const { return products_; }             // H v computed so far
  double loss() const { return loss_; }                  // l(w)
  std::vector<at::Tensor> gradient() const;              // dl/dw, detached, shaped like the parameters
  std::int64_t dimension() const { return dimension_; }  // parameters in all
  at::ScalarType dtype() const { return dtype_; }        // the widest of the parameters'
  at::Device device() const { return parameters_.front().device(); }

  // Tensors shaped like the parameters <-> one vector.
  at::Tensor flatten(const std::vector<at::Tensor>& tensors) const;
  std::vector<at::Tensor> unflatten(const at::Tensor& flat) const;

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> gradients_;  // with their graph; undefined where the loss does not depend on the parameter
  std::vector<at::Tensor> outputs_;    // those of gradients_ that depend on the parameters
  std::vector<std::size_t> output_index_;  // their positions
  std::int64_t dimension_ = 0;
  at::ScalarType dtype_;
  double loss_ = 0;
  int products_ = 0;
};

}  // namespace gradquake::curvature
